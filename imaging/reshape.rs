//! A picture in another size, whichever form it is in.

use image::DynamicImage;

use crate::buffers::Buffers;
use crate::error::Error;
use crate::geometry::Geometry;
use crate::picture::Picture;
use crate::{planes, resize};

/// A rectangle of the picture in another size. Planes of colour come to half the size of the
/// picture each way, which is how they are written.
///
/// # Errors
/// [`NoMemory`](crate::ErrorKind::NoMemory) when the system lacks the memory.
pub(crate) fn reshape(
    picture: Picture,
    geometry: &Geometry,
    buffers: &mut Buffers,
) -> Result<Picture, Error> {
    match picture {
        Picture::Pixels(DynamicImage::ImageLuma8(luma)) if geometry.is_larger() => {
            planes::plane(luma, geometry, buffers).map(|luma| Picture::Pixels(luma.into()))
        }
        Picture::Pixels(mut pixels) => {
            resize::reshape(&mut pixels, geometry, buffers)?;
            Ok(Picture::Pixels(pixels))
        }
        Picture::Planes(planes) => planes::reshape(planes, geometry, buffers).map(Picture::Planes),
    }
}
