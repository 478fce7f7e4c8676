//! A worker's own memory: buffers that go from one picture to the next.
//!
//! A buffer that is as large as a picture comes from the operating system page by page, each of
//! them zeroed; one that was in use just now is warm in the processor's cache besides.

use std::cell::RefCell;

/// How many buffers are kept, however small.
const COUNT_MAX: usize = 8;

thread_local! {
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of this length. What is in it is left over from other pictures.
pub(super) fn take(length: usize) -> Vec<u8> {
    let mut buffer = KEPT.with_borrow_mut(|kept| {
        // The smallest that is large enough, so that the larger ones are there for larger pictures.
        let fitting = kept.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= length);
        let found = fitting.min_by_key(|(_, buffer)| buffer.capacity()).map(|(at, _)| at);
        found.map(|at| kept.swap_remove(at)).unwrap_or_default()
    });
    if buffer.capacity() == 0 {
        return vec![0; length];
    }
    buffer.resize(length, 0);
    buffer
}

/// A buffer of this length, each byte of which is this one.
pub(super) fn filled(length: usize, byte: u8) -> Vec<u8> {
    let mut buffer = take(length);
    buffer.fill(byte);
    buffer
}

/// Gives a buffer to the pictures that come.
pub(super) fn give(buffer: Vec<u8>) {
    // Those of a few pages are cheap to have anew.
    const WORTH_KEEPING: usize = 16 << 10;
    if buffer.capacity() >= WORTH_KEEPING {
        KEPT.with_borrow_mut(|kept| kept.push(buffer));
    }
}

/// Lets go of what is beyond so many bytes, the largest first.
pub(super) fn bound(bytes: usize) {
    KEPT.with_borrow_mut(|kept| {
        kept.sort_unstable_by_key(Vec::capacity);
        let mut room = bytes;
        let fitting = kept.iter().take_while(|buffer| {
            let left = room.checked_sub(buffer.capacity());
            room = left.unwrap_or_default();
            left.is_some()
        });
        let count = fitting.count().min(COUNT_MAX);
        kept.truncate(count);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1 << 10;

    #[test]
    fn a_buffer_comes_back_to_who_needs_one_of_its_length() {
        give(vec![7; 100 * KIB]);
        give(vec![9; 32 * KIB]);
        let small = take(20 * KIB);
        assert_eq!((small.len(), small[0]), (20 * KIB, 9), "the smallest that is large enough");
        let large = take(64 * KIB);
        assert_eq!((large.len(), large[0]), (64 * KIB, 7));
        assert_eq!(take(20 * KIB), vec![0; 20 * KIB], "none is left");
        assert_eq!(filled(3, 5), [5, 5, 5]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        for _ in 0..3 {
            give(vec![0; 100 * KIB]);
        }
        give(vec![0; 20 * KIB]);
        bound(150 * KIB);
        assert_eq!(KEPT.with_borrow(Vec::len), 2);
        bound(0);
        assert_eq!(KEPT.with_borrow(Vec::len), 0);
        (0..20).for_each(|_| give(vec![0; 20 * KIB]));
        bound(usize::MAX);
        assert_eq!(KEPT.with_borrow(Vec::len), COUNT_MAX);
        give(vec![0; 10]);
        assert_eq!(KEPT.with_borrow(Vec::len), COUNT_MAX, "a small one is not worth it");
    }
}
