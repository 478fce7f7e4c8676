//! Pictures in, pictures out: the properties of a file's picture, pipelines of steps that change the
//! picture, and the file of the result, within limits on memory and time.

mod error;
mod memory;
mod buffers;
mod guard;
mod format;
mod probe;
mod limits;
mod encoding;
mod geometry;
mod colour;
mod pixels;
mod halve;
mod enlarge;
mod picture;
mod resize;
mod planes;
mod reshape;
mod gaussian;
mod shades;
pub mod codec;
mod profile;
mod workpiece;
pub mod step;
mod pipeline;
mod demand;
mod plan;
mod worker;
#[cfg(any(test, feature = "samples"))]
pub mod samples;

pub use image;
pub use image::DynamicImage;
pub use image::metadata::Orientation;

pub use codec::{Codec, DecodeOptions, Index, metadata, probe, read};
pub use colour::Colour;
pub use demand::Demand;
pub use encoding::Encoding;
pub use error::{Error, ErrorKind};
pub use format::Format;
pub use geometry::{Geometry, Rect};
pub use limits::Limits;
pub use memory::check_room;
pub use picture::{Picture, Planes};
pub use pipeline::{Checkpoint, Pipeline, run_without_pixels};
pub use plan::{Plan, plan};
pub use probe::Probe;
pub use profile::Profile;
pub use resize::{scaled, zoomed};
pub use step::Step;
pub use worker::{Changed, Encoded, Output, Worker};
pub use workpiece::{Source, Workpiece};

/// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("README.md")]
struct Readme;
