//! The whole work on one picture, from its file to the answer's fields.

use serde_json::{Map, Value};
use uuid::Uuid;
use waterway::{Error, code};

use super::code::BAD_IMAGE;
use super::codec::{self, Codec, Encoding, Probe, Wanted, metadata};
use super::header::Response;
use super::options::OnTruncated;
use super::picture::Picture;
use super::pipeline::{self, Stopped};
use super::resize::{resize, zoomed};
use super::scratch;
use super::step::Step;
use super::work::{Source, Work};
use super::{Checkpoint, Header, Pictures, Store};

#[cfg(test)]
mod tests;

/// What became of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Worked {
    /// The answer's fields, `uuid` among them.
    pub fields: Map<String, Value>,
    /// The result itself, where it was asked for inline and is a picture.
    pub picture: Option<Encoded>,
}

/// A picture as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Its type, such as `image/jpeg`.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Does what the header asks for.
///
/// Stages: `decode`, `resize` (unless the zoom is 1), `keep`, the steps of the pipeline by their
/// names, `encode`, `write`. The checkpoint is asked before each.
///
/// A picture that was received stays in the store only when an answer names it: when its result
/// is there, or when its pipeline failed and it stands in for the result.
///
/// # Errors
/// Each with the `uuid`: `bad_header` for a pipeline that is not there or a result beyond the
/// limits, `bad_image`, `storage`, whatever the checkpoint says, and, with a `url`, `step_failed`
/// or `failed` when the pipeline did not come to its end.
pub(super) fn work(
    file: &[u8],
    header: &Header,
    options: &Pictures,
    store: &Store,
    checkpoint: &mut Checkpoint<'_>,
) -> Result<Worked, Error> {
    let job = Job { codec: codec::built_in(), file, header, options, store };
    let mut worked =
        job.run(checkpoint).map_err(|error| error.with("uuid", header.uuid.clone()))?;
    worked.fields.insert("uuid".into(), header.uuid.clone());
    Ok(worked)
}

struct Job<'a> {
    codec: &'a dyn Codec,
    file: &'a [u8],
    header: &'a Header,
    options: &'a Pictures,
    store: &'a Store,
}

impl Job<'_> {
    fn run(&self, checkpoint: &mut Checkpoint<'_>) -> Result<Worked, Error> {
        let steps = self.steps()?;
        let probe = self.codec.probe(self.file)?;
        let size = self.admit(&probe)?;

        checkpoint("decode")?;
        scratch::bound(self.options.limits.buffers.as_usize());
        let picture = self.codec.decode(self.file, &probe, Wanted::PIXELS)?;
        let Picture::Pixels(mut picture) = picture.turned(probe.orientation) else {
            return Err(Error::failed("planes where pixels were wanted"));
        };
        if size != (picture.width(), picture.height()) {
            checkpoint("resize")?;
            let resized = resize(&picture, size)?;
            Picture::from(picture).recycle();
            picture = resized;
        }

        checkpoint("keep")?;
        let received = Received::new(&probe);
        self.store.keep(&received.file_name(), self.file)?;

        let icc = metadata::icc(self.file, probe.format);
        let source = Source {
            format: probe.format,
            size: (probe.width, probe.height),
            orientation: probe.orientation,
            exif: metadata::exif(self.file, probe.format),
            icc: icc.as_deref(),
        };
        let mut work = Work::new(picture, &source, &self.options.limits);
        let mut worked = pipeline::run(&mut work, steps, checkpoint)
            .and_then(|()| self.finish(work, &received, checkpoint))
            .map_err(|stopped| self.give_up(stopped, &received))?;
        if probe.truncated {
            worked.fields.insert("truncated".into(), true.into());
        }
        Ok(worked)
    }

    fn steps(&self) -> Result<&[Step], Error> {
        let results = &self.options.results;
        results.get(&self.header.result).map(Vec::as_slice).ok_or_else(|| {
            let known = results.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let message = format!("there is no rType {:?}; there are: {known}", self.header.result);
            Error::new(code::BAD_HEADER, message)
        })
    }

    /// The size to work at, decided from what the file says of itself.
    fn admit(&self, probe: &Probe) -> Result<(u32, u32), Error> {
        let limits = &self.options.limits;
        limits.check_length(self.file)?;
        limits.check(probe)?;
        if probe.truncated && self.options.on_truncated == OnTruncated::Reject {
            return Err(Error::new(BAD_IMAGE, "the picture was cut short"));
        }
        let Probe { width, height, .. } = *probe;
        zoomed((width, height), self.header.zoom, limits).ok_or_else(|| {
            let zoom = self.header.zoom;
            let message =
                format!("a zoom of {zoom} makes {width} × {height} pixels too many: {limits} go");
            Error::new(code::BAD_HEADER, message)
        })
    }

    fn finish(
        &self,
        work: Work<'_>,
        received: &Received,
        checkpoint: &mut Checkpoint<'_>,
    ) -> Result<Worked, Stopped> {
        let Work { picture, encoding, fields, .. } = work;
        checkpoint("encode").map_err(Stopped::Checkpoint)?;
        let result = self.codec.encode(&picture.into(), encoding, None).map_err(Stopped::Step)?;
        checkpoint("write").map_err(Stopped::Checkpoint)?;
        let name = self.result_name(received, encoding.format().extension());
        self.store.keep(&name, &result).map_err(Stopped::Step)?;
        Ok(self.answer(&name, result, encoding, fields))
    }

    fn answer(
        &self,
        name: &str,
        bytes: Vec<u8>,
        encoding: Encoding,
        mut fields: Map<String, Value>,
    ) -> Worked {
        let media_type = encoding.format().media_type();
        let picture = match self.header.response {
            Response::Url => {
                fields.insert("url".into(), self.store.url(name).into());
                None
            }
            // What a step such as `info` found out is the result then.
            Response::Inline => fields.is_empty().then_some(Encoded { media_type, bytes }),
        };
        Worked { fields, picture }
    }

    /// Has the received picture stand in for the result when the pipeline failed; leaves nothing
    /// when nobody waits any more or when the disk takes nothing.
    fn give_up(&self, stopped: Stopped, received: &Received) -> Error {
        let error = match stopped {
            Stopped::Step(error) if error.code() != code::STORAGE => {
                let name = self.result_name(received, received.extension);
                match self.store.keep(&name, self.file) {
                    Ok(()) => return error.with("url", self.store.url(&name)),
                    Err(_) => error,
                }
            }
            Stopped::Step(error) | Stopped::Checkpoint(error) => error,
        };
        self.store.forget(&received.file_name());
        error
    }

    fn result_name(&self, received: &Received, extension: &str) -> String {
        format!("{}{}.{extension}", self.options.prefix.as_str(), received.name)
    }
}

/// The name that a picture gets when it comes: it sorts by time and cannot be guessed.
struct Received {
    name: Uuid,
    extension: &'static str,
}

impl Received {
    fn new(probe: &Probe) -> Self {
        Self { name: Uuid::now_v7(), extension: probe.format.extension() }
    }

    fn file_name(&self) -> String {
        format!("{}.{}", self.name, self.extension)
    }
}
