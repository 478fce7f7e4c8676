//! A worker's own memory: buffers that go from one picture to the next.
//!
//! A buffer that is as large as a picture comes from the operating system page by page, each of
//! them zeroed; one that was in use just now is warm in the processor's cache besides.
//!
//! When the system refuses a buffer, only one picture fails; the process goes on.

use std::cell::RefCell;

use bytemuck::Zeroable;
use bytemuck::allocation::try_zeroed_vec;
use fast_image_resize::Resizer;
use waterway::{Error, code};

/// How many buffers are kept, however small.
const COUNT_MAX: usize = 12;
/// Those of a few pages are cheap to have anew.
const WORTH_KEEPING: usize = 16 << 10;
/// How many times the length that is asked for a buffer may have: larger ones are left for larger
/// pictures, which would have to have theirs anew.
const SPARE: usize = 2;
/// The resizer keeps its buffers while they are at most this part of the bound.
const RESIZER_PART: usize = 4;
/// How long a client should wait before it sends a picture again after memory was lacking.
const RETRY_MS: u64 = 1000;

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept { buffers: Vec::new(), beside: 0, most: 0 }) };
    static RESIZER: RefCell<Resizer> = RefCell::default();
}

/// Buffers that wait for pictures, the smallest first.
struct Kept {
    buffers: Vec<Vec<u8>>,
    /// How many bytes the resizer keeps.
    beside: usize,
    /// How many bytes all of them may have together.
    most: usize,
}

/// How many bytes this thread keeps from here on; none before it is said.
pub(super) fn bound(bytes: usize) {
    KEPT.with_borrow_mut(|kept| {
        kept.most = bytes;
        kept.shrink();
    });
}

/// A buffer of this length. What is in it is left over from other pictures.
///
/// # Errors
/// `refused` when the system has no memory for it.
pub(super) fn take(length: usize) -> Result<Vec<u8>, Error> {
    #[cfg(test)]
    if let Some(byte) = stale::LEFT_OVER.get() {
        return Ok(vec![byte; length]);
    }
    match KEPT.with_borrow_mut(|kept| kept.take(length)) {
        Some(mut buffer) => {
            buffer.resize(length, 0);
            Ok(buffer)
        }
        None => try_zeroed_vec(length).map_err(|()| not_given(length)),
    }
}

/// A buffer of this length, each byte of which is this one.
///
/// # Errors
/// `refused` when the system has no memory for it.
pub(super) fn filled(length: usize, byte: u8) -> Result<Vec<u8>, Error> {
    let mut buffer = match KEPT.with_borrow_mut(|kept| kept.take(length)) {
        Some(mut buffer) => {
            buffer.clear();
            buffer
        }
        None => reserved(length)?,
    };
    buffer.resize(length, byte);
    Ok(buffer)
}

/// A new vector with room for this many items.
///
/// # Errors
/// `refused` when the system has no memory for it.
pub(super) fn reserved<T>(length: usize) -> Result<Vec<T>, Error> {
    let mut vector = Vec::new();
    match vector.try_reserve_exact(length) {
        Ok(()) => Ok(vector),
        Err(_) => Err(not_given(length.saturating_mul(size_of::<T>()))),
    }
}

/// A new vector of this many items, all of them zero, whose memory is not touched before it is used.
///
/// # Errors
/// `refused` when the system has no memory for it.
pub(super) fn zeroed<T: Zeroable>(length: usize) -> Result<Vec<T>, Error> {
    try_zeroed_vec(length).map_err(|()| not_given(length.saturating_mul(size_of::<T>())))
}

/// Refuses a picture when the system has too little memory for it now. Codecs and other libraries
/// end the process when the system refuses them memory, so this asks for all of it first. It
/// touches none of that memory, and gives it back at once.
///
/// # Errors
/// `refused`.
pub(super) fn check_room(bytes: u64) -> Result<(), Error> {
    reserved::<u8>(usize::try_from(bytes).unwrap_or(usize::MAX)).map(drop)
}

fn not_given(bytes: usize) -> Error {
    no_memory(format!("the system does not give {bytes} bytes"))
}

/// The error of a picture for which there is no memory now; the cause is for the log.
pub(super) fn no_memory(cause: String) -> Error {
    Error::new(code::REFUSED, "there is no memory for the picture now: try again later")
        .with("retry_after_ms", RETRY_MS)
        .because(cause)
}

/// Lends the thread's resizer. It keeps its buffers only while they are within their part of the
/// bound.
pub(super) fn with_resizer<T>(resize: impl FnOnce(&mut Resizer) -> T) -> T {
    RESIZER.with_borrow_mut(|resizer| {
        let resized = resize(resizer);
        KEPT.with_borrow_mut(|kept| {
            if resizer.size_of_internal_buffers() > kept.most / RESIZER_PART {
                resizer.reset_internal_buffers();
            }
            kept.beside = resizer.size_of_internal_buffers();
            kept.shrink();
        });
        resized
    })
}

/// Gives a buffer to the pictures that come, as far as there is room for it.
pub(super) fn give(buffer: Vec<u8>) {
    if buffer.capacity() >= WORTH_KEEPING {
        KEPT.with_borrow_mut(|kept| {
            let at = kept.buffers.partition_point(|other| other.capacity() < buffer.capacity());
            kept.buffers.insert(at, buffer);
            kept.shrink();
        });
    }
}

impl Kept {
    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        let at = self.buffers.partition_point(|buffer| buffer.capacity() < length);
        let fits = self.buffers.get(at)?.capacity() <= length.saturating_mul(SPARE);
        fits.then(|| self.buffers.remove(at))
    }

    /// Lets go of what is beyond the bounds, the largest first.
    fn shrink(&mut self) {
        let mut room = self.most.saturating_sub(self.beside);
        let fitting = self.buffers.iter().take_while(|buffer| {
            let left = room.checked_sub(buffer.capacity());
            room = left.unwrap_or_default();
            left.is_some()
        });
        let count = fitting.count().min(COUNT_MAX);
        self.buffers.truncate(count);
    }
}

/// Lets tests choose what a kept buffer still holds from earlier pictures.
#[cfg(test)]
pub(super) mod stale {
    use std::cell::Cell;

    thread_local! {
        /// When set, every buffer that this thread takes is filled with this byte.
        pub(in super::super) static LEFT_OVER: Cell<Option<u8>> = const { Cell::new(None) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1 << 10;

    fn kept() -> Vec<usize> {
        KEPT.with_borrow(|kept| kept.buffers.iter().map(Vec::capacity).collect())
    }

    #[test]
    fn a_buffer_comes_back_to_who_needs_one_of_its_length() {
        bound(usize::MAX);
        give(vec![7; 100 * KIB]);
        give(vec![9; 32 * KIB]);
        let take = |length| take(length).unwrap();
        let filled = |length, byte| filled(length, byte).unwrap();
        let small = take(20 * KIB);
        assert_eq!((small.len(), small[0]), (20 * KIB, 9), "the smallest that is large enough");
        assert_eq!(take(20 * KIB), vec![0; 20 * KIB], "a far larger one is left alone");
        let large = take(64 * KIB);
        assert_eq!((large.len(), large[0]), (64 * KIB, 7));
        assert!(kept().is_empty());
        assert_eq!(filled(3, 5), [5, 5, 5]);
        give(vec![7; 20 * KIB]);
        assert_eq!(filled(20 * KIB, 5), vec![5; 20 * KIB], "nothing of others shows");
    }

    #[test]
    fn what_is_kept_is_bounded_at_any_time() {
        give(vec![0; 100 * KIB]);
        assert!(kept().is_empty(), "nobody said that anything may be kept");
        bound(150 * KIB);
        for _ in 0..3 {
            give(vec![0; 100 * KIB]);
        }
        give(vec![0; 20 * KIB]);
        assert_eq!(kept(), [20 * KIB, 100 * KIB]);
        bound(50 * KIB);
        assert_eq!(kept(), [20 * KIB]);
        bound(usize::MAX);
        (0..20).for_each(|_| give(vec![0; 20 * KIB]));
        assert_eq!(kept().len(), COUNT_MAX);
        give(vec![0; 10]);
        assert_eq!(kept().len(), COUNT_MAX, "a small one is not worth it");
    }
    #[test]
    fn the_resizer_keeps_no_more_than_its_part_of_the_bound() {
        let resize = |side: u32| {
            let picture = image::DynamicImage::new_rgb8(side, side);
            let half = image::DynamicImage::new_rgb8(side / 2, side / 2);
            let mut half = half;
            with_resizer(|resizer| resizer.resize(&picture, &mut half, None)).unwrap();
            RESIZER.with_borrow(Resizer::size_of_internal_buffers)
        };
        bound(400 * KIB);
        for _ in 0..4 {
            give(vec![0; 100 * KIB]);
        }
        let small = resize(200);
        assert!((50 * KIB..=100 * KIB).contains(&small), "{small}");
        assert_eq!(kept(), [100 * KIB; 3], "the resizer's part is counted");
        assert_eq!(resize(2000), 0, "what a large picture needed is given back");
        assert!(resize(200) <= small);
    }

    #[test]
    fn memory_that_the_system_does_not_give_is_an_error_of_one_picture() {
        let huge = isize::MAX.unsigned_abs() / 2;
        let errors = [
            take(huge).unwrap_err(),
            filled(huge, 1).unwrap_err(),
            reserved::<u64>(usize::MAX).unwrap_err(),
            check_room(u64::MAX).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.code(), code::REFUSED);
            assert_eq!(error.field("retry_after_ms"), Some(&RETRY_MS.into()));
        }
        assert!(check_room(1 << 20).is_ok());
    }
}
