//! The bits of a scan, without the zeros that are stuffed after each 0xFF (ITU-T T.81, F.1.2.3).
//!
//! They are copied from the file one window at a time, so that the file is in memory only once.

/// The data of a scan, in stretches that are decoded independently. A restart marker separates each
/// from the next.
pub(super) struct Scan<'a> {
    /// The part of the file that has not been copied yet.
    rest: &'a [u8],
    /// The part of the stretch that is being read.
    window: Vec<u8>,
    place: Span,
    /// The marker at the end of the stretch, once all of the stretch was copied.
    end: Option<u8>,
    /// How many restart markers were passed.
    restarts: usize,
}

/// Reads a window from its most significant bit, and zeros after its end.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    place: Span,
}

/// How far a window has been read.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    at: usize,
    /// The next bits, the first on top. After the bits that `count` counts there may be some of the
    /// bits that follow them in the file, and nothing else.
    next: u64,
    /// How many of them count, in the lowest six bits.
    count: u32,
}

/// How many bytes are copied at a time: few enough to stay in the processor's cache.
const WINDOW: usize = 8 << 10;
/// More bytes than a block has: 64 times the longest code with its value, 27 bits, and a refill.
const BLOCK_MAX: usize = 256;

impl<'a> Scan<'a> {
    /// The scan whose data begin after its header.
    pub(super) fn of(rest: &'a [u8]) -> Self {
        let window = Vec::with_capacity(WINDOW);
        Self { rest, window, place: Span::default(), end: None, restarts: 0 }
    }

    /// The next bits: at least a whole block, or the rest of the stretch. `None` if the stretch has
    /// no end.
    #[inline]
    pub(super) fn bits(&mut self) -> Option<Bits<'_>> {
        if self.window.len() < self.place.at + BLOCK_MAX && self.end.is_none() {
            self.slide()?;
        }
        Some(Bits { bytes: &self.window, place: self.place })
    }

    /// Continues from the position to which bits from here were read.
    #[inline]
    pub(super) fn go_on(&mut self, place: Span) {
        self.place = place;
    }

    /// Whether more bits of the stretch were read than it has.
    pub(super) fn is_overrun(&self) -> bool {
        let Span { at, count, .. } = self.place;
        at * 8 > self.window.len() * 8 + (count & 63) as usize
    }

    /// Goes to the next stretch. `None` if no restart marker, or one with the wrong number, is
    /// before it: they count from 0 to 7 again and again.
    pub(super) fn restart(&mut self) -> Option<()> {
        let marker = self.skip_stretch()?;
        if usize::from(marker) != 0xD0 + self.restarts % 8 {
            return None;
        }
        self.restarts += 1;
        self.end = None;
        self.window.clear();
        self.place = Span::default();
        Some(())
    }

    /// Whether this stretch is the last one, and has an end.
    pub(super) fn is_last(&mut self) -> bool {
        self.skip_stretch().is_some_and(|marker| !matches!(marker, 0xD0..=0xD7))
    }

    /// Skips the stretch and returns the marker after it.
    fn skip_stretch(&mut self) -> Option<u8> {
        while self.end.is_none() {
            self.place.at = self.window.len();
            self.slide()?;
        }
        self.end
    }

    /// Fills the window after its unread part.
    #[inline(never)]
    fn slide(&mut self) -> Option<()> {
        let read = self.place.at.min(self.window.len());
        self.window.drain(..read);
        self.place.at -= read;
        while self.window.len() < WINDOW && self.end.is_none() {
            let room = WINDOW - self.window.len();
            let part = &self.rest[..self.rest.len().min(room)];
            let run = memchr::memchr(0xFF, part).unwrap_or(part.len());
            self.window.extend_from_slice(&part[..run]);
            if run == room {
                self.rest = &self.rest[run..];
                continue;
            }
            let marker = *self.rest.get(run + 1)?;
            self.rest = &self.rest[run + 2..];
            match marker {
                0 => self.window.push(0xFF),
                0xFF => return None,
                _ => self.end = Some(marker),
            }
        }
        Some(())
    }
}

impl Bits<'_> {
    /// The least number of bits that count after a refill.
    pub(super) const REFILLED: u32 = 56;

    /// Makes at least [`REFILLED`](Self::REFILLED) bits count.
    #[inline]
    pub(super) fn refill(&mut self) {
        let Span { at, next, count } = &mut self.place;
        match self.bytes.get(*at..).and_then(|rest| rest.first_chunk()) {
            Some(word) => {
                *next |= u64::from_be_bytes(*word) >> (*count & 63);
                // As many whole bytes as there is room for; there may also be a part of the next
                // byte.
                *at += (!*count >> 3 & 7) as usize;
                *count |= Self::REFILLED;
            }
            None => self.refill_at_the_end(),
        }
    }

    #[cold]
    fn refill_at_the_end(&mut self) {
        let Span { at, next, count } = &mut self.place;
        *count &= 63;
        while *count < Self::REFILLED {
            let byte = self.bytes.get(*at).copied().unwrap_or_default();
            *next |= u64::from(byte) << (Self::REFILLED - *count);
            *count += 8;
            *at += 1;
        }
    }

    /// The next bits, the first on top. After the bits that count there may be others.
    #[inline]
    pub(super) fn peek(&self) -> u64 {
        self.place.next
    }

    /// Skips the number of bits in the lowest six bits, which may not exceed those that count.
    #[inline]
    pub(super) fn skip(&mut self, bits: u32) {
        self.place.next <<= bits & 63;
        self.place.count = self.place.count.wrapping_sub(bits);
    }

    /// The position that was reached.
    #[inline]
    pub(super) fn place(&self) -> Span {
        self.place
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bytes as they are in a file, with a marker after them.
    fn stuffed(bytes: &[u8], marker: u8) -> Vec<u8> {
        let stuffed = bytes
            .iter()
            .flat_map(|&byte| [byte, 0].into_iter().take(1 + usize::from(byte == 0xFF)));
        stuffed.chain([0xFF, marker]).collect()
    }

    /// Reads these numbers of bits one after the other, and compares each with the bytes.
    fn check(scan: &mut Scan<'_>, bytes: &[u8], steps: impl Iterator<Item = u32>) {
        let bit =
            |at: usize| bytes.get(at / 8).map_or(0, |byte| u64::from(byte >> (7 - at % 8) & 1));
        let mut at = 0;
        for step in steps {
            let mut bits = scan.bits().unwrap();
            bits.refill();
            let expected = (0..27).fold(0, |word, next| word << 1 | bit(at + next));
            assert_eq!(bits.peek() >> (64 - 27), expected, "at bit {at}");
            bits.skip(step);
            let place = bits.place();
            scan.go_on(place);
            at += step as usize;
            assert_eq!(scan.is_overrun(), at > bytes.len() * 8, "at bit {at}");
        }
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
            let file: Vec<u8> =
                stretches.iter().zip(markers).flat_map(|(bytes, marker)| stuffed(bytes, marker)).collect();
            let mut scan = Scan::of(&file);
            for (at, bytes) in stretches.iter().enumerate() {
                check(&mut scan, bytes, steps.iter().copied().cycle().take(60));
                prop_assert_eq!(scan.is_last(), at == last);
                prop_assert_eq!(scan.restart().is_some(), at < last);
            }
        }
    }

    #[test]
    fn a_stretch_of_many_windows_is_read_as_one() {
        // Any byte before and after any other, also 0xFF.
        let bytes: Vec<u8> = (0..5 * WINDOW)
            .map(|at| (at * at / 7).to_le_bytes()[0] | (at % 3).to_le_bytes()[0])
            .collect();
        let file = [stuffed(&bytes, 0xD0), stuffed(&bytes, 0xD9)].concat();
        let mut scan = Scan::of(&file);
        let steps = (1..=27).cycle().take(bytes.len() * 8 / 14 + 9);
        check(&mut scan, &bytes, steps.clone());
        scan.restart().unwrap();
        check(&mut scan, &bytes, steps.take(WINDOW));
        assert!(scan.is_last(), "though most of it was not read");
    }

    #[test]
    fn restarts_that_are_out_of_turn_and_scans_without_end_are_left_to_others() {
        for (file, restarts) in [
            (&b"ab\xFF\xD1c\xFF\xD9"[..], 0),
            (b"ab\xFF\xD0c\xFF\xD0d\xFF\xD9", 1),
            (b"ab\xFF\xD0c\xFF\xD9", 1),
            (b"abc", 0),
            (b"abc\xFF", 0),
            (b"\xFF\xFF\xD9", 0),
        ] {
            let mut scan = Scan::of(file);
            assert_eq!(
                (0..9).take_while(|_| scan.restart().is_some()).count(),
                restarts,
                "{file:?}"
            );
        }
        assert!(!Scan::of(b"ab\xFF\xD0c\xFF\xD9").is_last(), "a restart too many");
        assert!(!Scan::of(b"abc").is_last(), "there is no end");
    }
}
