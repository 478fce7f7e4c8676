//! All the work on one picture, from its file to the result.

use std::ops::ControlFlow;

use bytes::Bytes;
use imaging::{
    Encoding, Format, Index, Picture, Pipeline, Plan, Probe, Profile, Source, plan,
    run_without_pixels, zoomed,
};
use serde_json::{Map, Value};
use uuid::Uuid;
use waterway::panics::quietly;
use waterway::{Error, code};

use super::admission::Watch;
use super::checkpoint::Checkpoint;
use super::code::BAD_IMAGE;
use super::error::reported;
use super::header::{Header, Response};
use super::options::{Keep, OnTruncated};
use super::service::Service;
use super::worked::{Encoded, Worked};
use crate::storage::{Kept, Store};

mod stand_in;
#[cfg(test)]
mod tests;

/// Does the work that the header asks for.
///
/// Stages: `decode`, `resize` (unless the size stays), `keep`, the names of the remaining steps,
/// `encode`, `write`. The checkpoint is called before each.
///
/// A received picture stays in the store only when an answer names it: when its result is stored
/// too, or when its pipeline failed and it takes the result's place, upright and stripped.
///
/// # Errors
/// `bad_header` for an unknown pipeline or a result beyond the limits, `bad_image`, `storage`,
/// `expired`, the error with which the checkpoint breaks, and, with a `url`, `step_failed` or
/// `failed` if the pipeline failed.
pub(super) async fn run(
    file: &Bytes,
    header: &Header,
    service: &Service,
    store: &Store,
    checkpoint: &mut Checkpoint<'_>,
) -> Result<Worked, Error> {
    let watch = Watch::begin(service.pictures.limits.time);
    let mut checkpoint = |stage: &'static str| match watch.check() {
        Ok(()) => checkpoint(stage),
        Err(expired) => ControlFlow::Break(expired),
    };
    Job { file, header, service, store }.run(&mut checkpoint).await
}

/// The memory that the work takes, in bytes, estimated from the file's beginning; `None` for a
/// picture that will be refused. `length` is that of the whole file.
pub(super) fn need(
    begin: &Bytes,
    length: usize,
    header: &Header,
    service: &Service,
) -> Option<u64> {
    let store = service.pictures.store("");
    let job = Job { file: begin, header, service, store: &store };
    let pipeline = job.pipeline().ok()?;
    let known = Known::of(begin).ok()?;
    let size = job.admit(&known.probe).ok()?;
    let plan = job.plan(pipeline, &known, size).ok()?;
    // A decoder's memory may grow with the file.
    let unseen = (length - begin.len()) as u64;
    Some(plan.demand(&known.probe, begin).bytes() + 2 * unseen)
}

struct Job<'a> {
    file: &'a Bytes,
    header: &'a Header,
    service: &'a Service,
    store: &'a Store,
}

/// The facts that a file states about its picture.
struct Known<'a> {
    index: Index<'a>,
    probe: Probe,
    profile: Option<Profile>,
}

/// A picture on its way to the result.
enum Unwritten {
    /// It does not change: this is the result's file.
    PassedOn(Vec<u8>),
    /// A file in the picture's own format can carry this profile.
    Decoded(Picture, Option<Profile>),
}

/// Why the work did not give a result.
enum Failure {
    /// The picture was refused, or its clients no longer want it.
    Refused(Error),
    /// The pipeline failed. The client gets the received picture in place of the result.
    Pipeline(Error),
}

impl Failure {
    fn refused(error: imaging::Error) -> Self {
        Self::Refused(reported(error))
    }

    fn pipeline(error: imaging::Error) -> Self {
        Self::Pipeline(reported(error))
    }
}

/// The value with which the checkpoint lets the work go on, or the error with which it ends it.
fn pass<T>(asked: ControlFlow<Error, T>) -> Result<T, Failure> {
    match asked {
        ControlFlow::Continue(value) => Ok(value),
        ControlFlow::Break(error) => Err(Failure::Refused(error)),
    }
}

impl<'a> Known<'a> {
    fn of(file: &'a Bytes) -> Result<Self, Error> {
        let (index, probe) = imaging::read(file).map_err(reported)?;
        let profile = Profile::of(&index, &probe);
        Ok(Self { index, probe, profile })
    }
}

impl Job<'_> {
    async fn run(&self, checkpoint: &mut Checkpoint<'_>) -> Result<Worked, Error> {
        let pipeline = self.pipeline()?;
        self.service.pictures.limits.check_length(self.file)?;
        let known = Known::of(self.file)?;
        let size = self.admit(&known.probe)?;
        let names = Names::new();
        let mut original = None;
        let done = match self.plan(pipeline, &known, size) {
            Ok(plan) => self.process(&plan, &known, &names, &mut original, checkpoint).await,
            Err(error) => Err(Failure::Pipeline(error)),
        };
        match done {
            Ok(worked) => {
                if let Some(original) = original.filter(|_| worked.name.is_some()) {
                    original.commit();
                }
                Ok(worked)
            }
            Err(Failure::Refused(error)) => Err(error),
            // The store would refuse another file too.
            Err(Failure::Pipeline(error)) if error.code() == code::STORAGE => Err(error),
            Err(Failure::Pipeline(error)) => {
                let upright = self.upright(&known, checkpoint);
                Err(self.stand_in(error, upright, &known, &names, original).await)
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

    /// The size after the zoom, from the properties of the file.
    fn admit(&self, probe: &Probe) -> Result<(u32, u32), Error> {
        let limits = &self.service.pictures.limits.picture();
        limits.check(probe).map_err(reported)?;
        if probe.truncated && self.service.pictures.on_truncated == OnTruncated::Reject {
            return Err(Error::new(BAD_IMAGE, "the picture was cut short"));
        }
        let Probe { width, height, .. } = *probe;
        // Written with `:?`, which gives numbers such as 1e300 an exponent.
        let zoom = self.header.zoom;
        let size = zoomed((width, height), zoom, limits).ok_or_else(|| {
            let message = format!(
                "a zoom of {zoom:?} makes a picture of {width} × {height} pixels too large: {limits} \
                 are allowed"
            );
            Error::new(code::BAD_HEADER, message)
        })?;
        let what = format_args!("a zoom of {zoom:?}");
        limits.check_enlarged(what, probe.size(), size).map_err(reported)?;
        Ok(size)
    }

    fn plan<'p>(
        &self,
        pipeline: &'p Pipeline,
        known: &Known<'_>,
        size: (u32, u32),
    ) -> Result<Plan<'p>, Error> {
        let pictures = &self.service.pictures;
        let apart = pictures.keep == Keep::Zoomed;
        let limits = pictures.limits.picture();
        plan(pipeline, &known.probe, known.profile.as_ref(), size, apart, &limits).map_err(reported)
    }

    /// Refuses a picture that needs more memory than all pictures together may take. For a smaller
    /// need the queue has already waited.
    fn check_memory(&self, needed: u64) -> Result<(), Error> {
        let limit = self.service.budget.limit() as u64;
        if needed > limit {
            let [needed, limit] = [needed, limit].map(|bytes| bytes.div_ceil(1 << 20));
            let message = format!(
                "working on the picture takes some {needed} MiB of memory, but only {limit} MiB are \
                 allowed (limits.in_flight): send a smaller one"
            );
            return Err(Error::new(BAD_IMAGE, message));
        }
        imaging::check_room(needed).map_err(reported)
    }

    /// Carries out the plan, and keeps the original meanwhile.
    async fn process(
        &self,
        plan: &Plan<'_>,
        known: &Known<'_>,
        names: &Names,
        original: &mut Option<Kept>,
        checkpoint: &mut Checkpoint<'_>,
    ) -> Result<Worked, Failure> {
        let demand = plan.demand(&known.probe, self.file).bytes();
        self.check_memory(demand).map_err(Failure::Refused)?;
        let mut worker = self.service.workers.lend();
        let unwritten = match plan.passed_on(&known.index) {
            Some(file) => Unwritten::PassedOn(file),
            None => self.decoded(plan, known, &mut worker, checkpoint)?,
        };
        pass(checkpoint("keep"))?;
        let kept = self.keep(&unwritten, known, names, &mut worker);
        *original = kept.await.map_err(Failure::Refused)?;

        let (fields, unwritten) =
            self.step_through(unwritten, plan, known, &mut worker, checkpoint)?;
        let truncated = known.probe.truncated;
        let inline = self.header.response == Response::Inline;
        if inline && !fields.is_empty() {
            // The fields are the result, and the picture is not needed.
            if let Unwritten::Decoded(picture, _) = unwritten {
                worker.recycle(picture);
            }
            return Ok(Worked { fields, name: None, picture: None, truncated });
        }
        pass(checkpoint("encode"))?;
        let result = match unwritten {
            Unwritten::PassedOn(file) => Encoded { format: known.probe.format, bytes: file.into() },
            Unwritten::Decoded(picture, profile) => {
                write(&mut worker, picture, plan.encoding, profile).map_err(Failure::pipeline)?
            }
        };
        drop(worker);
        pass(checkpoint("write"))?;
        let name = self.result_name(names, result.format);
        self.store.keep(&name, &result.bytes).await.map_err(Failure::Pipeline)?.commit();
        Ok(Worked { fields, name: Some(name), picture: inline.then_some(result), truncated })
    }

    /// The picture upright, in the size that the plan says, and its profile, if a file like the
    /// received one can carry it.
    fn decoded(
        &self,
        plan: &Plan<'_>,
        known: &Known<'_>,
        worker: &mut imaging::Worker,
        checkpoint: &mut Checkpoint<'_>,
    ) -> Result<Unwritten, Failure> {
        let Known { probe, profile, .. } = known;
        let (picture, panic) = quietly(|| worker.picture(self.file, probe, plan, checkpoint));
        let picture = picture.map_err(|error| match panic {
            Some(panic) => Failure::Refused(reported(error).because(panic)),
            None => Failure::refused(error),
        })?;
        let mut picture = pass(picture)?;
        let like = worker.encoding(Encoding::like(probe), &picture);
        let (profile, _) = quietly(|| profile.clone()?.settled(like, &mut picture));
        Ok(Unwritten::Decoded(picture, profile))
    }

    /// Does the remaining steps.
    fn step_through(
        &self,
        unwritten: Unwritten,
        plan: &Plan<'_>,
        known: &Known<'_>,
        worker: &mut imaging::Worker,
        checkpoint: &mut Checkpoint<'_>,
    ) -> Result<(Map<String, Value>, Unwritten), Failure> {
        let source = Source::of(&known.index, &known.probe);
        match unwritten {
            Unwritten::PassedOn(file) => {
                let fields = run_without_pixels(&plan.rest, &source, &mut None, checkpoint);
                let fields = pass(fields.map_err(Failure::pipeline)?)?;
                Ok((fields, Unwritten::PassedOn(file)))
            }
            Unwritten::Decoded(picture, profile) => {
                let limits = self.service.pictures.limits.picture();
                let run = || worker.run(picture, profile, &source, plan, &limits, checkpoint);
                let changed = pass(quietly(run).0.map_err(Failure::pipeline)?)?;
                Ok((changed.fields, Unwritten::Decoded(changed.picture, changed.profile)))
            }
        }
    }

    /// Stores the second file that the option `keep` asks for.
    async fn keep(
        &self,
        unwritten: &Unwritten,
        known: &Known<'_>,
        names: &Names,
        worker: &mut imaging::Worker,
    ) -> Result<Option<Kept>, Error> {
        match (self.service.pictures.keep, unwritten) {
            (Keep::None, _) => Ok(None),
            (Keep::Original, _) | (Keep::Zoomed, Unwritten::PassedOn(_)) => {
                self.store.keep(names.original(known.probe.format), self.file).await.map(Some)
            }
            (Keep::Zoomed, Unwritten::Decoded(picture, profile)) => {
                let encoding = worker.encoding(Encoding::like(&known.probe), picture);
                encoding.check_side(picture.size()).map_err(reported)?;
                let profile = profile.as_ref().and_then(|it| it.carried_by(encoding, picture));
                let zoomed = worker.encode(picture, encoding, profile).map_err(reported)?;
                self.store.keep(names.original(encoding.format()), &zoomed).await.map(Some)
            }
        }
    }

    fn result_name(&self, names: &Names, format: Format) -> String {
        names.with(self.service.pictures.prefix.as_str(), format)
    }
}

fn write(
    worker: &mut imaging::Worker,
    picture: Picture,
    encoding: Encoding,
    profile: Option<Profile>,
) -> Result<Encoded, imaging::Error> {
    let (written, _) = quietly(|| worker.write(picture, encoding, profile));
    let imaging::Encoded { format, bytes } = written?;
    Ok(Encoded { format, bytes: bytes.into() })
}

/// The names of one picture's files. They sort by time and cannot be guessed.
struct Names(Uuid);

impl Names {
    fn new() -> Self {
        Self(Uuid::now_v7())
    }

    fn original(&self, format: Format) -> String {
        self.with("", format)
    }

    fn with(&self, prefix: &str, format: Format) -> String {
        let mut text = Uuid::encode_buffer();
        let name = self.0.hyphenated().encode_lower(&mut text);
        [prefix, name, ".", format.extension()].concat()
    }
}
