//! The whole work on one picture, from its file to a result.

use bytes::Bytes;
use image::DynamicImage;
use serde_json::{Map, Value};
use uuid::Uuid;
use waterway::{Error, code};

use super::admission::{Watch, estimate};
use super::code::BAD_IMAGE;
use super::codec::{self, Encoding, Format, Index, Probe, metadata};
use super::header::Response;
use super::options::{Keep, OnTruncated};
use super::picture::Picture;
use super::pipeline::{self, Pipeline, Stopped};
use super::plan::{Plan, plan, smaller};
use super::profile::Profile;
use super::resize::zoomed;
use super::service::Service;
use super::work::{Source, Work};
use super::{Checkpoint, Header, scratch};
use crate::storage::{Kept, Store};

mod stand_in;
#[cfg(test)]
mod tests;

/// What became of a picture. Equal pictures of several clients may share it, so it says nothing of
/// any of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Worked {
    /// What steps such as `info` found out.
    pub fields: Map<String, Value>,
    /// The name that the result is kept under, where it is.
    pub name: Option<String>,
    /// The result itself, where it was asked for inline and is a picture.
    pub picture: Option<Encoded>,
    /// Whether the file was cut short.
    pub truncated: bool,
}

impl Worked {
    /// The memory that it takes in addition to the value itself, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let fields: usize = self.fields.iter().map(|(name, value)| member(name, value)).sum();
        let name = self.name.as_ref().map_or(0, String::len);
        let picture = self.picture.as_ref().map_or(0, |picture| picture.bytes.len());
        (fields + name + picture) as u64
    }
}

/// The memory of a member of a JSON object: its name, its value and its hash.
fn member(name: &str, value: &Value) -> usize {
    name.len() + size_of::<(String, Value, u64)>() + within(value)
}

/// The memory of a JSON value in addition to the value itself.
fn within(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| size_of::<Value>() + within(value)).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| member(name, value)).sum(),
    }
}

/// A picture as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Its format.
    pub format: Format,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Does what the header asks for.
///
/// Stages: `decode`, `resize` (unless the size stays), `keep`, the steps that are left by their
/// names, `encode`, `write`. The checkpoint is asked before each.
///
/// A picture that was received stays in the store only when an answer names it: when its result
/// is there, or when its pipeline failed and it stands in for the result, upright and stripped.
///
/// # Errors
/// `bad_header` for a pipeline that is not there or a result beyond the limits, `bad_image`,
/// `storage`, `expired`, whatever the checkpoint says, and, with a `url`, `step_failed` or `failed`
/// when the pipeline did not come to its end.
pub(super) async fn work(
    file: &Bytes,
    header: &Header,
    service: &Service,
    store: &Store,
    checkpoint: &mut Checkpoint<'_>,
) -> Result<Worked, Error> {
    let watch = Watch::begin(service.pictures.limits.time);
    let mut checkpoint = |stage: &'static str| {
        watch.check()?;
        checkpoint(stage)
    };
    Job { file, header, service, store }.run(&mut checkpoint).await
}

/// How much memory the work takes, bytes, as far as the file's beginning tells; `None` for a picture
/// that will be refused. `length` is that of the whole file.
pub(super) fn need(
    begin: &Bytes,
    length: usize,
    header: &Header,
    service: &Service,
) -> Option<u64> {
    let store = service.pictures.store("");
    let job = Job { file: begin, header, service, store: &store };
    let pipeline = job.pipeline().ok()?;
    let (index, probe) = codec::read(begin).ok()?;
    let size = job.admit(&probe).ok()?;
    let profile = Profile::of(&index, &probe);
    let plan = job.plan(pipeline, &probe, profile.as_ref(), size).ok()?;
    // A decoder's memory may grow with the file.
    let unseen = (length - begin.len()) as u64;
    Some(estimate(&plan.demand(&probe, begin)) + 2 * unseen)
}

struct Job<'a> {
    file: &'a Bytes,
    header: &'a Header,
    service: &'a Service,
    store: &'a Store,
}

impl Job<'_> {
    async fn run(&self, checkpoint: &mut Checkpoint<'_>) -> Result<Worked, Error> {
        let pipeline = self.pipeline()?;
        self.service.pictures.limits.check_length(self.file)?;
        let (index, probe) = codec::read(self.file)?;
        let size = self.admit(&probe)?;
        let profile = Profile::of(&index, &probe);
        let mut received = Received::new();
        let worked = match self.plan(pipeline, &probe, profile.as_ref(), size) {
            Ok(plan) => {
                let read = (&index, &probe, profile);
                self.work(&plan, read, &mut received, checkpoint).await
            }
            Err(error) => Err(Stopped::Step(error)),
        };
        match worked {
            Ok(worked) => {
                if worked.name.is_some() {
                    received.commit();
                }
                Ok(worked)
            }
            Err(Stopped::Checkpoint(error)) => Err(error),
            // The store would not take another file either.
            Err(Stopped::Step(error)) if error.code() == code::STORAGE => Err(error),
            Err(Stopped::Step(error)) => {
                let upright = self.upright(&index, &probe, checkpoint);
                Err(self.stand_in(error, upright, &probe, received).await)
            }
        }
    }

    fn pipeline(&self) -> Result<&Pipeline, Error> {
        let results = &self.service.pictures.results;
        results.get(&*self.header.result).ok_or_else(|| {
            let known = results.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let message = format!("there is no rType {:?}; there are: {known}", self.header.result);
            Error::new(code::BAD_HEADER, message)
        })
    }

    /// The size that the zoom makes, decided from what the file says of itself.
    fn admit(&self, probe: &Probe) -> Result<(u32, u32), Error> {
        let limits = &self.service.pictures.limits;
        limits.check(probe)?;
        if probe.truncated && self.service.pictures.on_truncated == OnTruncated::Reject {
            return Err(Error::new(BAD_IMAGE, "the picture was cut short"));
        }
        let Probe { width, height, .. } = *probe;
        let zoom = self.header.zoom;
        let size = zoomed((width, height), zoom, limits).ok_or_else(|| {
            let message =
                format!("a zoom of {zoom} makes {width} × {height} pixels too many: {limits} go");
            Error::new(code::BAD_HEADER, message)
        })?;
        limits.check_enlarged(format_args!("a zoom of {zoom}"), probe.size(), size)?;
        Ok(size)
    }

    fn plan<'p>(
        &self,
        pipeline: &'p Pipeline,
        probe: &Probe,
        profile: Option<&Profile>,
        size: (u32, u32),
    ) -> Result<Plan<'p>, Error> {
        let pictures = &self.service.pictures;
        let apart = pictures.keep == Keep::Zoomed;
        plan(pipeline, probe, profile, size, apart, &pictures.limits)
    }

    /// Refuses a picture that needs more than all pictures together may take. For a smaller need,
    /// the queue has already waited.
    fn check_memory(&self, needed: u64) -> Result<(), Error> {
        let limit = self.service.budget.limit() as u64;
        if needed <= limit {
            return Ok(());
        }
        let [needed, limit] = [needed, limit].map(|bytes| bytes.div_ceil(1 << 20));
        let message = format!(
            "working on the picture takes some {needed} MiB of memory, and {limit} MiB go \
             (limits.in_flight): send a smaller one"
        );
        Err(Error::new(BAD_IMAGE, message))
    }

    async fn work(
        &self,
        plan: &Plan<'_>,
        (index, probe, mut profile): (&Index<'_>, &Probe, Option<Profile>),
        received: &mut Received,
        checkpoint: &mut Checkpoint<'_>,
    ) -> Result<Worked, Stopped> {
        // What is wrong with the file itself is no failure of the pipeline.
        let refused = Stopped::Checkpoint;
        let demand = estimate(&plan.demand(probe, self.file));
        self.check_memory(demand).map_err(refused)?;
        scratch::bound(self.service.pictures.limits.buffers.as_usize());
        scratch::check_room(demand).map_err(refused)?;
        // A file that cannot be stripped of what it says beside its picture is not passed on.
        let stripped = if plan.untouched { metadata::stripped(index, !plan.strips) } else { None };
        let mut picture = match stripped {
            Some(_) => DynamicImage::default().into(),
            None => self.picture(plan, probe, checkpoint).map_err(refused)?,
        };
        let received_as = self.service.codec.encoding(Encoding::like(probe), &picture);
        profile = profile.and_then(|profile| profile.settled(received_as, &mut picture));
        checkpoint("keep").map_err(refused)?;
        let kept = self.keep(&picture, probe, profile.as_ref(), received);
        received.kept = kept.await.map_err(refused)?;

        let source = Source {
            format: probe.format,
            size: probe.size(),
            orientation: probe.orientation,
            exif: metadata::exif(index),
        };
        // Planes are what no step that is left looks at.
        let (pixels, planes) = match picture {
            Picture::Pixels(pixels) => (pixels, None),
            planes @ Picture::Planes(_) => (DynamicImage::default(), Some(planes)),
        };
        let mut work = Work::new(pixels, &source, &self.service.pictures.limits);
        work.profile = profile;
        pipeline::run(&mut work, plan.rest.iter().copied(), checkpoint)?;
        let Work { picture, profile, fields, .. } = work;
        let picture = planes.unwrap_or(Picture::Pixels(picture));
        let truncated = probe.truncated;
        if self.header.response == Response::Inline && !fields.is_empty() {
            // What steps found out is the result, and nobody asks for the picture.
            picture.recycle();
            return Ok(Worked { fields, name: None, picture: None, truncated });
        }
        checkpoint("encode").map_err(Stopped::Checkpoint)?;
        let result = match stripped {
            Some(stripped) => Encoded { format: probe.format, bytes: stripped.into() },
            None => self.encode(plan.encoding, picture, profile).map_err(Stopped::Step)?,
        };
        checkpoint("write").map_err(Stopped::Checkpoint)?;
        let name = self.result_name(received, result.format.extension());
        self.store.keep(&name, &result.bytes).await.map_err(Stopped::Step)?.commit();
        let inline = self.header.response == Response::Inline;
        Ok(Worked { fields, name: Some(name), picture: inline.then_some(result), truncated })
    }

    /// The picture upright, in the size that the plan says.
    fn picture(
        &self,
        plan: &Plan<'_>,
        probe: &Probe,
        checkpoint: &mut Checkpoint<'_>,
    ) -> Result<Picture, Error> {
        checkpoint("decode")?;
        let picture = self.service.codec.decode(self.file, probe, plan.wanted)?;
        // A codec need not shrink every picture.
        let shrunk = if picture.size() == probe.stored() { 1 } else { plan.wanted.shrunk };
        let geometry = smaller(&plan.geometry, shrunk);
        if !geometry.is_identity(picture.size()) {
            checkpoint("resize")?;
        }
        Ok(picture.reshape(&geometry)?.turned(probe.orientation))
    }

    /// Stores what was received, as far as it is to be.
    async fn keep(
        &self,
        picture: &Picture,
        probe: &Probe,
        profile: Option<&Profile>,
        received: &Received,
    ) -> Result<Option<Kept>, Error> {
        match self.service.pictures.keep {
            Keep::None => Ok(None),
            Keep::Original => {
                self.store.keep(received.file_name(probe.format), self.file).await.map(Some)
            }
            Keep::Zoomed => {
                let encoding = self.service.codec.encoding(Encoding::like(probe), picture);
                encoding.check_side(picture.size())?;
                let profile = profile.and_then(|profile| profile.carried_by(encoding, picture));
                let zoomed = self.service.codec.encode(picture, encoding, profile)?;
                self.store.keep(received.file_name(encoding.format()), &zoomed).await.map(Some)
            }
        }
    }

    fn encode(
        &self,
        encoding: Encoding,
        mut picture: Picture,
        profile: Option<Profile>,
    ) -> Result<Encoded, Error> {
        let encoding = self.service.codec.encoding(encoding, &picture);
        encoding.check_side(picture.size())?;
        let profile = profile.and_then(|profile| profile.settled(encoding, &mut picture));
        let profile = profile.as_ref().and_then(|it| it.carried_by(encoding, &picture));
        let mut bytes = self.service.codec.encode(&picture, encoding, profile)?;
        // It may be kept for long, and encoders reserve up to twice its size.
        bytes.shrink_to_fit();
        picture.recycle();
        Ok(Encoded { format: encoding.format(), bytes: bytes.into() })
    }

    fn result_name(&self, received: &Received, extension: &str) -> String {
        received.named(self.service.pictures.prefix.as_str(), extension)
    }
}

/// A picture that came: the name that it gets sorts by time and cannot be guessed.
struct Received {
    name: Uuid,
    /// Forgotten again unless an answer names it.
    kept: Option<Kept>,
}

impl Received {
    fn new() -> Self {
        Self { name: Uuid::now_v7(), kept: None }
    }

    fn file_name(&self, format: Format) -> String {
        self.named("", format.extension())
    }

    fn named(&self, prefix: &str, extension: &str) -> String {
        let mut text = Uuid::encode_buffer();
        [prefix, self.name.hyphenated().encode_lower(&mut text), ".", extension].concat()
    }

    fn commit(self) {
        if let Some(kept) = self.kept {
            kept.commit();
        }
    }
}
