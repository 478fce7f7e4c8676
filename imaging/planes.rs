//! Changes the size of a picture's planes, each on its own.

use image::{DynamicImage, GrayImage};

use crate::buffers::Buffers;
use crate::enlarge::enlarge;
use crate::error::Error;
use crate::geometry::{Geometry, Rect};
use crate::halve::halve;
use crate::picture::Planes;
use crate::resize::cut_and_resize;

#[cfg(test)]
mod tests;

/// A rectangle of the picture in another size. Colour has half of that size each way (4:2:0), the
/// form in which it will be written.
pub(crate) fn reshape(
    planes: Planes,
    geometry: &Geometry,
    buffers: &mut Buffers,
) -> Result<Planes, Error> {
    let Geometry { source, size } = *geometry;
    let of_luma = planes.luma.dimensions();
    let half = (size.0.div_ceil(2), size.1.div_ceil(2));
    let [blue, red] = planes.chroma;
    let of_chroma = scaled(&source, of_luma, blue.dimensions(), size);
    let of_chroma = Geometry { source: of_chroma, size: half };
    let luma = plane(planes.luma, geometry, buffers)?;
    let chroma = [plane(blue, &of_chroma, buffers)?, plane(red, &of_chroma, buffers)?];
    Ok(Planes { luma, chroma })
}

/// The same rectangle in a smaller plane, enlarged to whole samples of colour.
fn scaled(source: &Rect, luma: (u32, u32), chroma: (u32, u32), size: (u32, u32)) -> Rect {
    // Its sampling says how many pixels a sample of colour covers; the last one may reach beyond
    // the edge.
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
pub(crate) fn plane(
    plane: GrayImage,
    geometry: &Geometry,
    buffers: &mut Buffers,
) -> Result<GrayImage, Error> {
    let Geometry { source, size } = *geometry;
    if geometry.is_identity(plane.dimensions()) {
        return Ok(plane);
    }
    let twice = (size.0.saturating_mul(2), size.1.saturating_mul(2));
    if twice == plane.dimensions() && source == Rect::of(twice) {
        return Ok(halve(plane));
    }
    if geometry.is_no_smaller() {
        let enlarged = enlarge(&plane, &source, size, buffers)?;
        buffers.give(plane.into_raw());
        return Ok(enlarged);
    }
    let plane = DynamicImage::ImageLuma8(plane);
    let smaller = cut_and_resize(&plane, geometry, buffers)?.into_luma8();
    buffers.recycle(plane);
    Ok(smaller)
}
