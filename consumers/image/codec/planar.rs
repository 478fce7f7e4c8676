//! Planes for an encoder that knows nothing but pixels: shown to it row by row.

use jpeg_encoder::{ImageBuffer, JpegColorType};

use crate::image::picture::Planes;

/// Planes as an encoder wants them, each sample of colour for the pixels that it stands for. An
/// encoder that takes the first of each two by two gets it back as it is.
pub(super) struct Rows<'a> {
    pub(super) planes: &'a Planes,
    /// Width and height, which no JPEG has more of.
    pub(super) size: (u16, u16),
}

impl ImageBuffer for Rows<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.size.0
    }

    fn height(&self) -> u16 {
        self.size.1
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let (width, y) = (usize::from(self.size.0), usize::from(y));
        let [luma, blue, red, _] = buffers;
        luma.extend_from_slice(&self.planes.luma.as_raw()[y * width..][..width]);
        for (plane, to) in self.planes.chroma.iter().zip([blue, red]) {
            // Both sides are shared by as many pixels, or by one.
            let across = plane.width() as usize;
            let shared = width.div_ceil(across);
            let row = y / usize::from(self.size.1).div_ceil(plane.height() as usize);
            let row = &plane.as_raw()[row * across..][..across];
            let begin = to.len();
            to.resize(begin + across * shared, 0);
            for (to, sample) in to[begin..].chunks_exact_mut(shared).zip(row) {
                to.fill(*sample);
            }
            to.truncate(begin + width);
        }
    }
}
