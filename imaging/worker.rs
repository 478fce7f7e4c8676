//! A worker: a codec, a resizer, and the memory that goes from one picture to the next.

use std::convert::Infallible;
use std::ops::ControlFlow;

use serde_json::{Map, Value};

use crate::buffers::Buffers;
use crate::codec::{Codec, DecodeOptions, read};
use crate::encoding::Encoding;
use crate::error::Error;
use crate::format::Format;
use crate::geometry::Geometry;
use crate::limits::Limits;
use crate::memory::check_room;
use crate::picture::Picture;
use crate::pipeline::{self, Checkpoint, Pipeline, run_without_pixels};
use crate::plan::{Plan, plan, smaller};
use crate::probe::Probe;
use crate::profile::Profile;
use crate::reshape::reshape;
use crate::workpiece::{Source, Workpiece};

#[cfg(test)]
mod tests;

/// Decodes, changes and encodes one picture at a time. It keeps memory from one picture to the
/// next, and nothing else: no result depends on the pictures before it.
#[derive(Default)]
pub struct Worker {
    codec: Codec,
    buffers: Buffers,
}

/// A picture after the steps of its pipeline.
#[derive(Debug)]
pub struct Changed {
    /// The picture.
    pub picture: Picture,
    /// Its colour profile; without one it is in sRGB.
    pub profile: Option<Profile>,
    /// What steps such as `info` found out.
    pub fields: Map<String, Value>,
}

/// A picture as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Its format.
    pub format: Format,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The result of a file and a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The result.
    pub file: Encoded,
    /// What steps such as `info` found out.
    pub fields: Map<String, Value>,
}

impl Worker {
    /// A worker with the fastest codec that is built in. It keeps at most `buffers` bytes from one
    /// picture to the next.
    #[must_use]
    pub fn new(buffers: usize) -> Self {
        Self::with_codec(Codec::BUILT_IN, buffers)
    }

    /// A worker with this codec.
    #[must_use]
    pub fn with_codec(codec: Codec, buffers: usize) -> Self {
        Self { codec, buffers: Buffers::new(buffers) }
    }

    /// Does all that the other functions do one by one: takes a file through a pipeline.
    ///
    /// # Errors
    /// All of [`ErrorKind`](crate::ErrorKind).
    pub fn process(
        &mut self,
        file: &[u8],
        pipeline: &Pipeline,
        limits: &Limits,
    ) -> Result<Output, Error> {
        let (index, probe) = read(file)?;
        limits.check(&probe)?;
        let profile = Profile::of(&index, &probe);
        let plan = plan(pipeline, &probe, profile.as_ref(), probe.size(), false, limits)?;
        check_room(plan.demand(&probe, file).bytes())?;
        let source = Source::of(&index, &probe);
        let mut go_on = |_: &'static str| ControlFlow::<Infallible>::Continue(());
        if let Some(bytes) = plan.passed_on(&index) {
            let fields = run_without_pixels(&plan.rest, &source, &mut None, &mut go_on)?;
            let fields = continued(fields);
            return Ok(Output { file: Encoded { format: probe.format, bytes }, fields });
        }
        let picture = continued(self.picture(file, &probe, &plan, &mut go_on)?);
        let changed = self.run(picture, profile, &source, &plan, limits, &mut go_on)?;
        let Changed { picture, profile, fields } = continued(changed);
        Ok(Output { file: self.write(picture, plan.encoding, profile)?, fields })
    }

    /// The picture of a file as it is stored: callers turn it upright by [`Probe::orientation`]. Of
    /// an animation it is the first frame. Parts that are missing from the file are grey.
    ///
    /// The caller must check the probe against its limits first.
    ///
    /// # Errors
    /// [`BadPicture`](crate::ErrorKind::BadPicture) if the picture is damaged, or cut short so far
    /// that nothing of it can be shown; [`NoMemory`](crate::ErrorKind::NoMemory).
    pub fn decode(
        &mut self,
        file: &[u8],
        probe: &Probe,
        options: DecodeOptions,
    ) -> Result<Picture, Error> {
        self.codec.decode(file, probe, options, &mut self.buffers)
    }

    /// A rectangle of a picture in another size.
    ///
    /// # Errors
    /// [`NoMemory`](crate::ErrorKind::NoMemory).
    pub fn reshape(&mut self, picture: Picture, geometry: &Geometry) -> Result<Picture, Error> {
        reshape(picture, geometry, &mut self.buffers)
    }

    /// The picture of a file, upright and in the size of the plan. It calls the checkpoint before
    /// the stages `decode` and, unless the size stays, `resize`.
    ///
    /// # Errors
    /// Those of [`decode`](Self::decode).
    pub fn picture<B>(
        &mut self,
        file: &[u8],
        probe: &Probe,
        plan: &Plan<'_>,
        checkpoint: &mut Checkpoint<'_, B>,
    ) -> Result<ControlFlow<B, Picture>, Error> {
        if let ControlFlow::Break(broken) = checkpoint("decode") {
            return Ok(ControlFlow::Break(broken));
        }
        let picture = self.decode(file, probe, plan.options)?;
        // A codec need not shrink every picture.
        let scale = if picture.size() == probe.stored() { 1 } else { plan.options.scale };
        let geometry = smaller(&plan.geometry, scale);
        if !geometry.is_identity(picture.size())
            && let ControlFlow::Break(broken) = checkpoint("resize")
        {
            return Ok(ControlFlow::Break(broken));
        }
        let picture = self.reshape(picture, &geometry)?.turned(probe.orientation);
        Ok(ControlFlow::Continue(picture))
    }

    /// Does the remaining steps of the plan. It calls the checkpoint before each, by its name.
    ///
    /// # Errors
    /// Those of [`Step::apply`](crate::Step::apply).
    pub fn run<B>(
        &mut self,
        picture: Picture,
        mut profile: Option<Profile>,
        source: &Source<'_>,
        plan: &Plan<'_>,
        limits: &Limits,
        checkpoint: &mut Checkpoint<'_, B>,
    ) -> Result<ControlFlow<B, Changed>, Error> {
        let pixels = match picture {
            Picture::Pixels(pixels) => pixels,
            // A plan asks for planes only if no remaining step looks at pixels.
            Picture::Planes(_) => {
                let run = run_without_pixels(&plan.rest, source, &mut profile, checkpoint)?;
                return Ok(match run {
                    ControlFlow::Continue(fields) => {
                        ControlFlow::Continue(Changed { picture, profile, fields })
                    }
                    ControlFlow::Break(broken) => ControlFlow::Break(broken),
                });
            }
        };
        let mut piece = Workpiece::new(pixels, source, limits, &mut self.buffers);
        piece.profile = profile;
        if let ControlFlow::Break(broken) = pipeline::run(&mut piece, &plan.rest, checkpoint)? {
            return Ok(ControlFlow::Break(broken));
        }
        let Workpiece { picture, profile, fields, .. } = piece;
        Ok(ControlFlow::Continue(Changed { picture: picture.into(), profile, fields }))
    }

    /// The encoding in which this worker writes the picture: the one that is asked for, or another
    /// one if the worker cannot write that.
    #[must_use]
    pub fn encoding(&self, asked: Encoding, picture: &Picture) -> Encoding {
        self.codec.encoding(asked, picture)
    }

    /// The picture as a file that carries this ICC profile, if its format and kind can. A format
    /// without alpha shows the picture on white. [`encoding`](Self::encoding) says which encoding
    /// is possible.
    ///
    /// # Errors
    /// [`Failed`](crate::ErrorKind::Failed) if the encoder refuses the picture.
    pub fn encode(
        &mut self,
        picture: &Picture,
        encoding: Encoding,
        profile: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error> {
        self.codec.encode(picture, encoding, profile, &mut self.buffers)
    }

    /// The picture as a file of this encoding, or of the one that this worker writes instead. The
    /// file carries the picture's profile if its format can; otherwise the picture is converted to
    /// sRGB.
    ///
    /// # Errors
    /// [`StepFailed`](crate::ErrorKind::StepFailed) if the format cannot hold the picture's sides.
    pub fn write(
        &mut self,
        mut picture: Picture,
        asked: Encoding,
        profile: Option<Profile>,
    ) -> Result<Encoded, Error> {
        let encoding = self.encoding(asked, &picture);
        encoding.check_side(picture.size())?;
        let profile = profile.and_then(|profile| profile.settled(encoding, &mut picture));
        let profile = profile.as_ref().and_then(|it| it.carried_by(encoding, &picture));
        let mut bytes = self.encode(&picture, encoding, profile)?;
        // The caller may keep it for long, and encoders reserve up to twice its size.
        bytes.shrink_to_fit();
        self.recycle(picture);
        Ok(Encoded { format: encoding.format(), bytes })
    }

    /// Takes the memory of a picture that is no longer needed, for later pictures.
    pub fn recycle(&mut self, picture: Picture) {
        picture.recycle(&mut self.buffers);
    }
}

fn continued<T>(flow: ControlFlow<Infallible, T>) -> T {
    match flow {
        ControlFlow::Continue(value) => value,
        ControlFlow::Break(never) => match never {},
    }
}
