//! The canvas of an animation, with its first frame.

use image::DynamicImage;

use crate::buffers::Buffers;
use crate::error::Error;
use crate::pixels::{from_samples, samples};

const CHANNELS: usize = 4;

/// A frame of three or four channels on a canvas of this size, which is transparent elsewhere.
/// Pixels of the frame outside the canvas are left out.
///
/// # Errors
/// `ErrorKind::NoMemory` if the system refuses the memory for it.
pub(super) fn on_canvas(
    frame: DynamicImage,
    (left, top): (u32, u32),
    size: (u32, u32),
    buffers: &mut Buffers,
) -> Result<DynamicImage, Error> {
    if (frame.width(), frame.height()) == size {
        return Ok(frame);
    }
    let [left, top, across, down, width] =
        [left, top, size.0, size.1, frame.width()].map(|side| side as usize);
    let mut canvas = buffers.filled(across * down * CHANNELS, 0)?;
    let (from, channels) = samples(&frame);
    let rows = canvas.chunks_exact_mut(across * CHANNELS).skip(top);
    for (row, from) in rows.zip(from.chunks_exact((width * channels).max(1))) {
        let row = row.as_chunks_mut::<CHANNELS>().0.iter_mut().skip(left);
        for (to, from) in row.zip(from.chunks_exact(channels)) {
            to[CHANNELS - 1] = u8::MAX;
            to[..channels].copy_from_slice(from);
        }
    }
    buffers.recycle(frame);
    Ok(from_samples(size, CHANNELS, canvas))
}
