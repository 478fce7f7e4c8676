//! A worker's buffer pool: buffers that are used for one picture after the other.
//!
//! The operating system provides a buffer as large as a picture page by page, and zeroes each page.
//! A buffer that was in use just now is also still in the processor's cache.
//!
//! When the system refuses a buffer, only one picture fails; the process goes on.

use fast_image_resize::{IntoImageView, IntoImageViewMut, ResizeError, ResizeOptions, Resizer};
use image::DynamicImage;

use crate::error::Error;
use crate::memory::{reserved, zeroed};

/// How many buffers are kept at most, however small.
const COUNT_MAX: usize = 12;
/// Smaller buffers are cheap to allocate.
const WORTH_KEEPING: usize = 16 << 10;
/// A kept buffer is used if it is at most this many times as long as requested. Longer buffers are
/// left for larger pictures, which would otherwise have to allocate theirs.
const SPARE: usize = 2;
/// The resizer keeps its buffers while they are at most this part of the bound.
const RESIZER_PART: usize = 4;

/// Buffers that wait for pictures, and the resizer, which has some of its own.
#[derive(Default)]
pub(crate) struct Buffers {
    /// The smallest first.
    kept: Vec<Vec<u8>>,
    resizer: Resizer,
    /// How many bytes all of them may have together.
    most: usize,
    /// Lets tests choose the bytes that earlier pictures left in a kept buffer.
    #[cfg(test)]
    pub(crate) left_over: Option<u8>,
}

impl Buffers {
    /// Keeps at most this many bytes from one picture to the next.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// A buffer of this length, with bytes of other pictures in it.
    ///
    /// # Errors
    /// [`NoMemory`](crate::ErrorKind::NoMemory) when the system refuses it.
    pub(crate) fn take(&mut self, length: usize) -> Result<Vec<u8>, Error> {
        #[cfg(test)]
        if let Some(byte) = self.left_over {
            return Ok(vec![byte; length]);
        }
        match self.fitting(length) {
            Some(mut buffer) => {
                buffer.resize(length, 0);
                Ok(buffer)
            }
            None => zeroed(length),
        }
    }

    /// A buffer of this length that holds only this byte.
    ///
    /// # Errors
    /// [`NoMemory`](crate::ErrorKind::NoMemory) when the system refuses it.
    pub(crate) fn filled(&mut self, length: usize, byte: u8) -> Result<Vec<u8>, Error> {
        let mut buffer = match self.fitting(length) {
            Some(mut buffer) => {
                buffer.clear();
                buffer
            }
            None => reserved(length)?,
        };
        buffer.resize(length, byte);
        Ok(buffer)
    }

    /// Takes a buffer for later pictures, if there is room for it.
    pub(crate) fn give(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() >= WORTH_KEEPING {
            let at = self.kept.partition_point(|other| other.capacity() < buffer.capacity());
            self.kept.insert(at, buffer);
            self.shrink();
        }
    }

    /// Takes the memory of a picture's pixels.
    pub(crate) fn recycle(&mut self, pixels: DynamicImage) {
        match pixels {
            DynamicImage::ImageLuma8(pixels) => self.give(pixels.into_raw()),
            DynamicImage::ImageLumaA8(pixels) => self.give(pixels.into_raw()),
            DynamicImage::ImageRgb8(pixels) => self.give(pixels.into_raw()),
            DynamicImage::ImageRgba8(pixels) => self.give(pixels.into_raw()),
            // Codecs make pictures of these four kinds only.
            _ => {}
        }
    }

    /// Resizes one picture into another. The resizer keeps its buffers only while they are within
    /// their part of the bound.
    pub(crate) fn resize(
        &mut self,
        from: &impl IntoImageView,
        to: &mut impl IntoImageViewMut,
        options: &ResizeOptions,
    ) -> Result<(), ResizeError> {
        let resized = self.resizer.resize(from, to, options);
        if self.resizer.size_of_internal_buffers() > self.most / RESIZER_PART {
            self.resizer.reset_internal_buffers();
        }
        self.shrink();
        resized
    }

    fn fitting(&mut self, length: usize) -> Option<Vec<u8>> {
        let at = self.kept.partition_point(|buffer| buffer.capacity() < length);
        let fits = self.kept.get(at)?.capacity() <= length.saturating_mul(SPARE);
        fits.then(|| self.kept.remove(at))
    }

    /// Frees buffers beyond the bounds, the largest first.
    fn shrink(&mut self) {
        let mut room = self.most.saturating_sub(self.resizer.size_of_internal_buffers());
        let fitting = self.kept.iter().take_while(|buffer| {
            let left = room.checked_sub(buffer.capacity());
            room = left.unwrap_or_default();
            left.is_some()
        });
        let count = fitting.count().min(COUNT_MAX);
        self.kept.truncate(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const KIB: usize = 1 << 10;

    fn kept(buffers: &Buffers) -> Vec<usize> {
        buffers.kept.iter().map(Vec::capacity).collect()
    }

    #[test]
    fn a_buffer_comes_back_to_who_needs_one_of_its_length() {
        let mut buffers = Buffers::new(usize::MAX);
        buffers.give(vec![7; 100 * KIB]);
        buffers.give(vec![9; 32 * KIB]);
        let small = buffers.take(20 * KIB).unwrap();
        assert_eq!((small.len(), small[0]), (20 * KIB, 9), "the smallest that is large enough");
        let zeros = vec![0; 20 * KIB];
        assert_eq!(buffers.take(20 * KIB).unwrap(), zeros, "a far larger one is left alone");
        let large = buffers.take(64 * KIB).unwrap();
        assert_eq!((large.len(), large[0]), (64 * KIB, 7));
        assert!(kept(&buffers).is_empty());
        assert_eq!(buffers.filled(3, 5).unwrap(), [5, 5, 5]);
        buffers.give(vec![7; 20 * KIB]);
        let filled = buffers.filled(20 * KIB, 5).unwrap();
        assert_eq!(filled, vec![5; 20 * KIB], "nothing of others shows");
    }

    #[test]
    fn what_is_kept_is_bounded_at_any_time() {
        let mut buffers = Buffers::default();
        buffers.give(vec![0; 100 * KIB]);
        assert!(kept(&buffers).is_empty(), "nobody said that anything may be kept");
        let mut buffers = Buffers::new(150 * KIB);
        for _ in 0..3 {
            buffers.give(vec![0; 100 * KIB]);
        }
        buffers.give(vec![0; 20 * KIB]);
        assert_eq!(kept(&buffers), [20 * KIB, 100 * KIB]);
        let mut buffers = Buffers::new(usize::MAX);
        (0..20).for_each(|_| buffers.give(vec![0; 20 * KIB]));
        assert_eq!(kept(&buffers).len(), COUNT_MAX);
        buffers.give(vec![0; 10]);
        assert_eq!(kept(&buffers).len(), COUNT_MAX, "a small one is not worth it");
    }

    #[test]
    fn the_resizer_keeps_no_more_than_its_part_of_the_bound() {
        let resize = |buffers: &mut Buffers, side: u32| {
            let picture = DynamicImage::new_rgb8(side, side);
            let mut half = DynamicImage::new_rgb8(side / 2, side / 2);
            buffers.resize(&picture, &mut half, &ResizeOptions::default()).unwrap();
            buffers.resizer.size_of_internal_buffers()
        };
        let mut buffers = Buffers::new(400 * KIB);
        for _ in 0..4 {
            buffers.give(vec![0; 100 * KIB]);
        }
        let small = resize(&mut buffers, 200);
        assert!((50 * KIB..=100 * KIB).contains(&small), "{small}");
        assert_eq!(kept(&buffers), [100 * KIB; 3], "the resizer's part is counted");
        assert_eq!(resize(&mut buffers, 2000), 0, "what a large picture needed is given back");
        assert!(resize(&mut buffers, 200) <= small);
    }

    #[test]
    fn memory_that_the_system_does_not_give_is_an_error_of_one_picture() {
        let huge = isize::MAX.unsigned_abs() / 2;
        let mut buffers = Buffers::default();
        for error in [buffers.take(huge).unwrap_err(), buffers.filled(huge, 1).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::NoMemory);
        }
    }
}
