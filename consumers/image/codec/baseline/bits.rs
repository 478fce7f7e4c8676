//! The bits of a scan, without the zeros that are stuffed behind each 0xFF (ITU-T T.81, F.1.2.3).

use crate::image::scratch;

/// A scan's own data, cut where it begins anew: each stretch is decoded for itself.
pub(super) struct Stretches {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Reads a stretch from its most significant bit on, and zeros behind its end.
#[derive(Clone)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What comes next, the first bit on top. Behind the bits that count there may be some of
    /// those that come after them, and nothing else.
    next: u64,
    /// How many of them count, in the lowest six bits.
    count: u32,
}

impl Stretches {
    /// Of what is behind a scan's header, up to the marker that ends it. Nothing when restart
    /// markers do not count from 0 to 7 and again, or are more than this.
    pub(super) fn of(scan: &[u8], restarts: usize) -> Option<Self> {
        let mut bytes = scratch::take(scan.len());
        bytes.clear();
        let mut ends = Vec::new();
        let mut rest = scan;
        loop {
            let run = memchr::memchr(0xFF, rest)?;
            bytes.extend_from_slice(&rest[..run]);
            let marker = *rest.get(run + 1)?;
            rest = &rest[run + 2..];
            match marker {
                0 => bytes.push(0xFF),
                0xD0..=0xD7
                    if usize::from(marker & 7) == ends.len() % 8 && ends.len() < restarts =>
                {
                    ends.push(bytes.len());
                }
                0xD0..=0xD7 | 0xFF => return None,
                _ => break,
            }
        }
        ends.push(bytes.len());
        Some(Self { bytes, ends })
    }

    /// One after the other.
    pub(super) fn iter(&self) -> impl Iterator<Item = Bits<'_>> {
        let begins = std::iter::once(&0).chain(&self.ends);
        begins.zip(&self.ends).map(|(&begin, &end)| Bits::of(&self.bytes[begin..end]))
    }

    /// Gives its memory to the pictures that come.
    pub(super) fn recycle(self) {
        scratch::give(self.bytes);
    }
}

impl<'a> Bits<'a> {
    /// How many bits count after a refill, at least.
    pub(super) const REFILLED: u32 = 56;

    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, next: 0, count: 0 }
    }

    /// Makes at least [`REFILLED`](Self::REFILLED) bits count.
    #[inline]
    pub(super) fn refill(&mut self) {
        match self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()) {
            Some(word) => {
                self.next |= u64::from_be_bytes(*word) >> (self.count & 63);
                // As many whole bytes as there is room for; of the last one there may be a part.
                self.at += (!self.count >> 3 & 7) as usize;
                self.count |= Self::REFILLED;
            }
            None => self.refill_at_the_end(),
        }
    }

    #[cold]
    fn refill_at_the_end(&mut self) {
        self.count &= 63;
        while self.count < Self::REFILLED {
            let byte = self.bytes.get(self.at).copied().unwrap_or_default();
            self.next |= u64::from(byte) << (Self::REFILLED - self.count);
            self.count += 8;
            self.at += 1;
        }
    }

    /// The bits that come next, the first on top: as many as count, and others behind them.
    #[inline]
    pub(super) fn peek(&self) -> u64 {
        self.next
    }

    /// Goes on by so many bits as the lowest six say, at most as many as count.
    #[inline]
    pub(super) fn skip(&mut self, bits: u32) {
        self.next <<= bits & 63;
        self.count = self.count.wrapping_sub(bits);
    }

    /// Whether more was read than there is.
    pub(super) fn is_overrun(&self) -> bool {
        self.at * 8 > self.bytes.len() * 8 + (self.count & 63) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bytes as they stand in a file, with a marker behind them.
    fn stuffed(bytes: &[u8], marker: u8) -> Vec<u8> {
        let stuffed = bytes
            .iter()
            .flat_map(|&byte| [byte, 0].into_iter().take(1 + usize::from(byte == 0xFF)));
        stuffed.chain([0xFF, marker]).collect()
    }

    proptest! {
        #[test]
        fn each_stretch_is_read_bit_by_bit_and_zeros_behind_it(
            stretches in prop::collection::vec(
                prop::collection::vec(prop_oneof![any::<u8>(), Just(0xFF)], 0..40), 1..12),
            steps in prop::collection::vec(1..=27_u32, 1..20),
        ) {
            let last = stretches.len() - 1;
            let markers = (0_u8..).map(|at| if usize::from(at) == last { 0xD9 } else { 0xD0 + at % 8 });
            let scan: Vec<u8> =
                stretches.iter().zip(markers).flat_map(|(bytes, marker)| stuffed(bytes, marker)).collect();
            prop_assert!(last == 0 || Stretches::of(&scan, last - 1).is_none(), "one too many");
            let read = Stretches::of(&scan, last).unwrap();
            prop_assert_eq!(read.iter().count(), stretches.len());
            for (mut bits, bytes) in read.iter().zip(&stretches) {
                let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| u64::from(byte >> (7 - at % 8) & 1));
                let mut at = 0;
                for &step in steps.iter().cycle().take(60) {
                    bits.refill();
                    let expected = (0..27).fold(0, |word, next| word << 1 | bit(at + next));
                    prop_assert_eq!(bits.peek() >> (64 - 27), expected, "at bit {}", at);
                    bits.skip(step);
                    at += step as usize;
                    prop_assert_eq!(bits.is_overrun(), at > bytes.len() * 8, "at bit {}", at);
                }
            }
        }
    }

    #[test]
    fn restarts_that_are_out_of_turn_and_scans_without_end_are_left_to_others() {
        for scan in [
            &b"ab\xFF\xD1c\xFF\xD9"[..],
            b"ab\xFF\xD0c\xFF\xD0d\xFF\xD9",
            b"abc",
            b"abc\xFF",
            b"\xFF\xFF\xD9",
        ] {
            assert!(Stretches::of(scan, 9).is_none(), "{scan:?}");
        }
    }
}
