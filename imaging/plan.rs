//! How a picture goes through a pipeline in one pass.
//!
//! The zoom and the first geometric steps become one cut and one change of size. They are applied
//! to the stored picture, before it is turned. The codec shrinks the picture while it decodes it,
//! if it can. If a pipeline ends in grey, only brightness is decoded. An unchanged picture is not
//! decoded at all.

use image::metadata::Orientation;

use crate::codec::{DecodeOptions, Index, metadata};
use crate::demand::Demand;
use crate::encoding::Encoding;
use crate::error::Error;
use crate::format::Format;
use crate::geometry::{Geometry, Rect};
use crate::limits::Limits;
use crate::pipeline::Pipeline;
use crate::probe::Probe;
use crate::profile::Profile;
use crate::step::Step;

#[cfg(test)]
mod tests;

/// The plan for one picture.
#[derive(Debug)]
pub struct Plan<'a> {
    /// How it is decoded.
    pub options: DecodeOptions,
    /// The rectangle that is cut out, and its new size: in the stored picture, before it is turned
    /// or scaled.
    pub geometry: Geometry,
    /// The remaining steps, after the picture was turned upright.
    pub rest: Vec<&'a Step>,
    /// How the result is written.
    pub encoding: Encoding,
    /// Whether the result is the file itself.
    pub untouched: bool,
    /// Whether the result may contain nothing but the picture.
    pub strips: bool,
    /// The memory for conversion by its colour profile, in bytes.
    tables: u64,
}

/// Plans all of it from the properties of the file.
///
/// With `apart` the caller needs the zoomed picture itself, so no step is combined with the zoom.
/// `profile` describes the file's colours.
///
/// # Errors
/// `ErrorKind::StepFailed` for a step that cannot be done on a picture of this size or within the
/// limits; `ErrorKind::Enlarged` for a step that enlarges a small picture too much.
pub fn plan<'a>(
    pipeline: &'a Pipeline,
    probe: &Probe,
    profile: Option<&Profile>,
    zoomed: (u32, u32),
    apart: bool,
    limits: &Limits,
) -> Result<Plan<'a>, Error> {
    let (upright, rest) = fuse(pipeline, (probe.size(), zoomed), apart, limits)?;
    let encoding = pipeline.encoding().unwrap_or(Encoding::like(probe));
    let pixels = rest.iter().any(|step| step.needs_pixels());
    let geometry = as_stored(&upright, probe);
    let is_jpeg = probe.format == Format::Jpeg;
    let scale = if is_jpeg { shrink(&geometry, probe.stored()) } else { 1 };
    let strips = pipeline.strips();
    let untouched = upright.is_identity(probe.size())
        && probe.orientation == Orientation::NoTransforms
        && pipeline.encoding().is_none()
        && !probe.truncated
        && !pixels
        && !apart
        // Without its chunks such a file would have other colours.
        && !(strips && profile.is_some_and(|profile| !profile.is_icc()));
    let options = DecodeOptions {
        scale,
        // In colours other than sRGB's, brightness is not the grey that viewers show.
        grey: pipeline.is_grey() && !apart && profile.is_none_or(Profile::is_srgb),
        planes: is_jpeg && encoding.format() == Format::Jpeg && !pixels,
    };
    let tables = profile.map_or(0, Profile::tables);
    Ok(Plan { options, geometry, rest, encoding, untouched, strips, tables })
}

impl Plan<'_> {
    /// The file itself as the result, without its metadata. `None` if the picture changes, or if
    /// the metadata cannot be removed.
    #[must_use]
    pub fn passed_on(&self, index: &Index<'_>) -> Option<Vec<u8>> {
        if self.untouched { metadata::stripped(index, !self.strips) } else { None }
    }

    /// The demand for memory of the work on the picture.
    #[must_use]
    pub fn demand(&self, probe: &Probe, file: &[u8]) -> Demand {
        let (width, height) = probe.stored();
        let area = |&(width, height): &(u32, u32)| u64::from(width) * u64::from(height);
        let DecodeOptions { scale, grey, planes } = self.options;
        let decoded = (width.div_ceil(scale), height.div_ceil(scale));
        let size = self.geometry.size;
        let mut last = size;
        let sizes = self.rest.iter().flat_map(|step| {
            let between = step.size_between(last);
            last = step.size_after(last);
            [between, last]
        });
        let largest = sizes.max_by_key(area).unwrap_or(size);
        let is_jpeg = probe.format == Format::Jpeg;
        let samples = match (is_jpeg, grey, planes) {
            (true, true, _) => 100,
            (_, _, true) => probe.planes,
            _ => u32::from(probe.channels) * 100,
        };
        // Pixels are made from a JPEG's components, which stay in memory until then.
        let components = if probe.cmyk { 4 } else { probe.channels };
        let held =
            if is_jpeg && !grey && !planes { area(&decoded) * u64::from(components) } else { 0 };
        Demand {
            file: file.len() as u64 + self.tables,
            decoded,
            samples,
            held: probe.held + held,
            size,
            largest,
            encoder: self.encoding.held(area(&last)),
        }
    }
}

/// Combines the cuts and changes of size at the beginning into one, and returns the remaining
/// steps.
///
/// Steps that do not look at the picture may be between them.
fn fuse<'a>(
    pipeline: &'a Pipeline,
    (came, zoomed): ((u32, u32), (u32, u32)),
    apart: bool,
    limits: &Limits,
) -> Result<(Geometry, Vec<&'a Step>), Error> {
    let mut whole = Geometry::resized(came, zoomed);
    let mut steps = pipeline.steps().iter();
    if apart {
        return Ok((whole, steps.collect()));
    }
    let mut rest = Vec::new();
    for step in steps.by_ref() {
        if !step.needs_pixels() {
            rest.push(step);
        } else if let Some(next) = step.geometry(whole.size) {
            let next = next?;
            next.check(step.name(), came, limits)?;
            whole = whole.then(next);
        } else {
            rest.push(step);
            break;
        }
    }
    rest.extend(steps);
    Ok((whole, rest))
}

/// How much larger than its result a good filter needs the picture: twice as large, or nearly,
/// because sides are rounded.
const SPARE: f64 = 1.95;

/// The codec's scale: to the result's own size if that is a half, a quarter or an eighth and
/// nothing is cut off; otherwise as small as leaves twice the result's size to a better filter.
fn shrink(geometry: &Geometry, stored: (u32, u32)) -> u32 {
    let Geometry { source, size } = geometry;
    let across = source.width / f64::from(size.0);
    let down = source.height / f64::from(size.1);
    let whole = *source == Rect::of(stored);
    let fits = |by: u32| {
        let factor = f64::from(by);
        // Both sides are counts of pixels, which are exact.
        #[allow(clippy::float_cmp)]
        let exact = across == factor && down == factor;
        let divides = stored.0.is_multiple_of(by) && stored.1.is_multiple_of(by);
        (whole && exact && divides) || across.min(down) >= SPARE * factor
    };
    [8, 4, 2].into_iter().find(|&by| fits(by)).unwrap_or(1)
}

/// The same cut out of a picture that was shrunk.
pub(crate) fn smaller(geometry: &Geometry, by: u32) -> Geometry {
    let Geometry { source, size } = *geometry;
    let by = f64::from(by);
    let source = Rect {
        left: source.left / by,
        top: source.top / by,
        width: source.width / by,
        height: source.height / by,
    };
    Geometry { source, size }
}

/// The same rectangle in the picture before it is turned.
fn as_stored(upright: &Geometry, probe: &Probe) -> Geometry {
    use Orientation as O;
    let Geometry { source: Rect { left, top, width, height }, size } = *upright;
    let (across, down) = probe.size();
    let right = f64::from(across) - left - width;
    let bottom = f64::from(down) - top - height;
    let (left, top) = match probe.orientation {
        O::NoTransforms => (left, top),
        O::FlipHorizontal => (right, top),
        O::FlipVertical => (left, bottom),
        O::Rotate180 => (right, bottom),
        O::Rotate90 => (top, right),
        O::Rotate270 => (bottom, left),
        O::Rotate90FlipH => (top, left),
        O::Rotate270FlipH => (bottom, right),
    };
    match probe.orientation {
        O::NoTransforms | O::FlipHorizontal | O::FlipVertical | O::Rotate180 => {
            Geometry { source: Rect { left, top, width, height }, size }
        }
        _ => Geometry {
            source: Rect { left, top, width: height, height: width },
            size: (size.1, size.0),
        },
    }
}
