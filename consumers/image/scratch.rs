//! A worker's own memory: buffers that go from one picture to the next.
//!
//! A buffer that is as large as a picture comes from the operating system page by page, each of
//! them zeroed; one that was in use just now is warm in the processor's cache besides.

use std::cell::RefCell;

/// How many buffers are kept, however small.
const COUNT_MAX: usize = 12;
/// Those of a few pages are cheap to have anew.
const WORTH_KEEPING: usize = 16 << 10;
/// How many times the length that is asked for a buffer may have: larger ones are left for larger
/// pictures, which would have to have theirs anew.
const SPARE: usize = 2;

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept { buffers: Vec::new(), most: 0 }) };
}

/// Buffers that wait for pictures, the smallest first.
struct Kept {
    buffers: Vec<Vec<u8>>,
    /// How many bytes they may have together.
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
pub(super) fn take(length: usize) -> Vec<u8> {
    match KEPT.with_borrow_mut(|kept| kept.take(length)) {
        Some(mut buffer) => {
            buffer.resize(length, 0);
            buffer
        }
        None => vec![0; length],
    }
}

/// A buffer of this length, each byte of which is this one.
pub(super) fn filled(length: usize, byte: u8) -> Vec<u8> {
    match KEPT.with_borrow_mut(|kept| kept.take(length)) {
        Some(mut buffer) => {
            buffer.clear();
            buffer.resize(length, byte);
            buffer
        }
        None => vec![byte; length],
    }
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
        let mut room = self.most;
        let fitting = self.buffers.iter().take_while(|buffer| {
            let left = room.checked_sub(buffer.capacity());
            room = left.unwrap_or_default();
            left.is_some()
        });
        let count = fitting.count().min(COUNT_MAX);
        self.buffers.truncate(count);
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
}
