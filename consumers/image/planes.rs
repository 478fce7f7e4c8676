//! Changes the size of a picture's planes, each for itself.

use image::{DynamicImage, GrayImage};
use waterway::Error;

use super::enlarge::enlarge;
use super::geometry::{Geometry, Rect};
use super::halve::halve;
use super::picture::{Picture, Planes};
use super::resize::cut_and_resize;
use super::scratch;

#[cfg(test)]
mod tests;

/// A rectangle of the picture in another size; colour at half of it each way (4:2:0), which is how
/// it is going to be written.
pub(super) fn reshape(planes: Planes, geometry: &Geometry) -> Result<Planes, Error> {
    let Geometry { source, size } = *geometry;
    let of_luma = planes.luma.dimensions();
    let half = (size.0.div_ceil(2), size.1.div_ceil(2));
    let [blue, red] = planes.chroma;
    let of_chroma = scaled(&source, of_luma, blue.dimensions(), size);
    let of_chroma = Geometry { source: of_chroma, size: half };
    let luma = plane(planes.luma, geometry)?;
    Ok(Planes { luma, chroma: [plane(blue, &of_chroma)?, plane(red, &of_chroma)?] })
}

/// The same rectangle of a smaller plane, and of it as much as makes whole samples of colour.
fn scaled(source: &Rect, luma: (u32, u32), chroma: (u32, u32), size: (u32, u32)) -> Rect {
    // A sample of colour stands for as many pixels as its sampling says, which a last one may
    // have beyond the edge.
    let share = |luma: u32, chroma: u32| f64::from(luma.div_ceil(chroma));
    let (across, down) = (share(luma.0, chroma.0), share(luma.1, chroma.1));
    let whole = |side: u32| f64::from(side.next_multiple_of(2)) / f64::from(side);
    let (left, top) = (source.left / across, source.top / down);
    Rect {
        left,
        top,
        width: (source.width * whole(size.0) / across).min(f64::from(chroma.0) - left),
        height: (source.height * whole(size.1) / down).min(f64::from(chroma.1) - top),
    }
}

/// A rectangle of a single plane in another size.
pub(super) fn plane(plane: GrayImage, geometry: &Geometry) -> Result<GrayImage, Error> {
    let Geometry { source, size } = *geometry;
    if geometry.is_identity(plane.dimensions()) {
        return Ok(plane);
    }
    let twice = (size.0.saturating_mul(2), size.1.saturating_mul(2));
    if twice == plane.dimensions() && source == Rect::of(twice) {
        return Ok(halve(plane));
    }
    if geometry.is_no_smaller() {
        let enlarged = enlarge(&plane, &source, size)?;
        scratch::give(plane.into_raw());
        return Ok(enlarged);
    }
    let plane = DynamicImage::ImageLuma8(plane);
    let smaller = cut_and_resize(&plane, geometry)?.into_luma8();
    Picture::Pixels(plane).recycle();
    Ok(smaller)
}
