//! Passes planes to an encoder that only knows pixels, row by row.

use jpeg_encoder::{ImageBuffer, JpegColorType};

use crate::picture::Planes;

/// Planes in the form that an encoder expects: each sample of colour is repeated for its pixels. An
/// encoder that uses the first of each two by two gets the original sample.
pub(super) struct Rows<'a> {
    pub(super) planes: &'a Planes,
    /// Width and height; no JPEG has larger ones.
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
            // Two pixels share a sample in each direction, or none does.
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
