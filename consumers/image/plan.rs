//! How a picture goes through a pipeline in one pass.
//!
//! Zoom and the geometric steps that come first are one cut and one change of size, done on the
//! picture as it is stored, before it is turned; as much of it as the codec can do while it
//! decodes is left to the codec. Of a pipeline that ends grey only brightness is decoded, and a
//! picture that nothing is done to is not decoded at all.

use image::metadata::Orientation;
use waterway::Error;

use super::admission::Demand;
use super::codec::{Encoding, Format, Limits, Probe, Wanted};
use super::geometry::{Geometry, Rect};
use super::pipeline::Pipeline;
use super::profile::Profile;
use super::step::Step;

#[cfg(test)]
mod tests;

/// What is to be done to one picture.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// How it is decoded.
    pub(super) wanted: Wanted,
    /// What is cut out of it and how large that is made: of the picture as it is stored, so not
    /// turned, and not shrunk either.
    pub(super) geometry: Geometry,
    /// The steps that are left when it has been made upright.
    pub(super) rest: Vec<&'a Step>,
    /// How the result is written.
    pub(super) encoding: Encoding,
    /// Whether the result is the file itself.
    pub(super) untouched: bool,
    /// Whether nothing but the picture may be in it.
    pub(super) strips: bool,
    /// What converting by its colour profile takes, in bytes.
    tables: u64,
}

/// Decides all of it from what the file says of itself.
///
/// With `apart` the zoomed picture is wanted for itself, so no step is done together with the zoom.
/// `profile` describes the file's colours.
///
/// # Errors
/// `step_failed` for a step that cannot be done on a picture of this size, or not within limits;
/// `bad_header` for one that makes too much of too small a picture.
pub(super) fn plan<'a>(
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
    let shrunk = if is_jpeg { shrink(&geometry, probe.stored()) } else { 1 };
    let strips = pipeline.strips();
    let untouched = upright.is_identity(probe.size())
        && probe.orientation == Orientation::NoTransforms
        && pipeline.encoding().is_none()
        && !probe.truncated
        && !pixels
        && !apart
        // Without its chunks such a file would show other colours.
        && !(strips && profile.is_some_and(|profile| !profile.is_icc()));
    let wanted = Wanted {
        shrunk,
        // The grey of other colours than sRGB's is not the grey that viewers show.
        grey: pipeline.is_grey() && !apart && profile.is_none_or(Profile::is_srgb),
        planes: is_jpeg && encoding.format() == Format::Jpeg && !pixels,
    };
    let tables = profile.map_or(0, Profile::tables);
    Ok(Plan { wanted, geometry, rest, encoding, untouched, strips, tables })
}

impl Plan<'_> {
    /// What the work on the picture will take.
    pub(super) fn demand(&self, probe: &Probe, file: &[u8]) -> Demand {
        let (width, height) = probe.stored();
        let area = |&(width, height): &(u32, u32)| u64::from(width) * u64::from(height);
        let Wanted { shrunk, grey, planes } = self.wanted;
        let decoded = (width.div_ceil(shrunk), height.div_ceil(shrunk));
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
        // Pixels are made of a JPEG's components, which are there until then.
        let components = if probe.inks { 4 } else { probe.channels };
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

/// The cuts and changes of size at the beginning as one, and the steps that are left.
///
/// A step that does not look at the picture keeps no other from being among the first.
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

/// What a good filter needs more than the size it makes: twice of it, or, since sides are rounded,
/// as good as twice.
const SPARE: f64 = 1.95;

/// How far the codec may shrink the picture: to the size itself, where that is a half, a quarter or
/// an eighth and nothing is cut off; else as far as leaves twice the size to a better filter.
fn shrink(geometry: &Geometry, stored: (u32, u32)) -> u32 {
    let Geometry { source, size } = geometry;
    let across = source.width / f64::from(size.0);
    let down = source.height / f64::from(size.1);
    let whole = *source == Rect::of(stored);
    let fits = |by: u32| {
        let factor = f64::from(by);
        // Both sides are counts of pixels, exactly.
        #[allow(clippy::float_cmp)]
        let exact = across == factor && down == factor;
        let divides = stored.0.is_multiple_of(by) && stored.1.is_multiple_of(by);
        (whole && exact && divides) || across.min(down) >= SPARE * factor
    };
    [8, 4, 2].into_iter().find(|&by| fits(by)).unwrap_or(1)
}

/// The same cut out of a picture that was shrunk.
pub(super) fn smaller(geometry: &Geometry, by: u32) -> Geometry {
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

/// The same cut out of the picture before it is turned.
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
