//! The bits of a scan, whatever its faults: from a marker on it reads zeros, and a restart
//! continues at the marker that fits best, like libjpeg (`jpeg_resync_to_restart`).

use super::super::huffman::Codes;
use crate::codec::index::jpeg::next_marker;

/// The marker at the end of a picture.
pub(super) const EOI: u8 = 0xD9;

/// The marker of the first interval's end.
const RST0: u8 = 0xD0;
/// The last marker that ends an interval.
const RST7: u8 = 0xD7;
/// The lowest marker code that a JPEG uses.
const LOWEST: u8 = 0xC0;

/// Reads a scan from its most significant bit.
pub(super) struct Reader<'a> {
    file: &'a [u8],
    at: usize,
    /// The bits taken from the file, the first on top, then zeros.
    bits: u64,
    count: u32,
    /// The marker at `at`, once it was reached; the end of the file counts as the marker EOI.
    marker: Option<u8>,
    /// Whether more bits were read since the last restart than the file has.
    dry: bool,
}

impl<'a> Reader<'a> {
    /// The least number of bits after a refill unless a marker is near: more than any code and its
    /// value have.
    const REFILLED: u32 = 33;

    /// A reader of the data that begin at `at`.
    pub(super) fn new(file: &'a [u8], at: usize) -> Self {
        Self { file, at, bits: 0, count: 0, marker: None, dry: false }
    }

    /// The position from which to look for the next marker.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether more bits were read since the last restart than the file has.
    pub(super) fn is_dry(&self) -> bool {
        self.dry
    }

    /// Whether no restart can bring more data.
    pub(super) fn is_over(&self) -> bool {
        self.dry && self.marker.is_some_and(|marker| !matches!(marker, RST0..=RST7))
    }

    /// The next symbol; 0 for an invalid code.
    #[inline]
    pub(super) fn symbol(&mut self, codes: &Codes) -> u8 {
        /// After how many bits libjpeg gives up on a code.
        const GIVEN_UP: u32 = 17;
        if self.count < Self::REFILLED {
            self.refill();
        }
        let (length, symbol) =
            codes.any(self.bits).map_or((GIVEN_UP, 0), |symbol| (symbol.bits(), symbol.byte()));
        self.skip(length);
        symbol
    }

    /// The next bits as a number; at most 16 bits.
    #[inline]
    pub(super) fn number(&mut self, bits: u8) -> u16 {
        let bits = u32::from(bits);
        if self.count < bits {
            self.refill();
        }
        // The topmost 16 bits fit.
        #[allow(clippy::cast_possible_truncation)]
        let top = (self.bits >> 48) as u16;
        self.skip(bits);
        top.checked_shr(16 - bits).unwrap_or_default()
    }

    /// The next bit.
    #[inline]
    pub(super) fn bit(&mut self) -> bool {
        self.number(1) != 0
    }

    /// The next value of this many bits, at most 15. If its first bit is 0 it is negative (T.81,
    /// F.12: `EXTEND`).
    #[inline]
    pub(super) fn value(&mut self, bits: u8) -> i16 {
        let number = i32::from(self.number(bits));
        let above = 1 << bits;
        let value = if 2 * number < above { number + 1 - above } else { number };
        // A value of 15 bits fits into 16 with its sign.
        #[allow(clippy::cast_possible_truncation)]
        let value = value as i16;
        value
    }

    /// Goes to the interval after the restart marker with this number, 0 to 7.
    ///
    /// If it finds another restart marker: one of the next two is left for its own interval, and
    /// this interval has no data; one of the previous two is skipped; any other counts as the
    /// expected one.
    pub(super) fn restart(&mut self, number: u8) {
        (self.bits, self.count) = (0, 0);
        loop {
            let marker = self.reach_marker();
            if marker >= LOWEST {
                if !matches!(marker, RST0..=RST7) {
                    return;
                }
                match (marker - RST0).wrapping_sub(number) & 7 {
                    1 | 2 => return,
                    6 | 7 => {}
                    _ => {
                        self.pass_marker();
                        self.dry = false;
                        return;
                    }
                }
            }
            self.pass_marker();
        }
    }

    /// Skips to the next marker and returns it.
    fn reach_marker(&mut self) -> u8 {
        if let Some(marker) = self.marker {
            return marker;
        }
        let mut behind = self.at;
        let found = next_marker(self.file, &mut behind);
        self.at = if found.is_some() { behind - 2 } else { self.file.len() };
        let marker = found.unwrap_or(EOI);
        self.marker = Some(marker);
        marker
    }

    fn pass_marker(&mut self) {
        self.marker = None;
        self.at += 2;
    }

    #[inline]
    fn skip(&mut self, bits: u32) {
        self.bits = self.bits.checked_shl(bits).unwrap_or_default();
        self.dry |= bits > self.count;
        self.count = self.count.saturating_sub(bits);
    }

    fn refill(&mut self) {
        while self.count <= 56 && self.marker.is_none() {
            let byte = match self.file.get(self.at) {
                Some(0xFF) => {
                    let behind = self.file[self.at..].iter().position(|&byte| byte != 0xFF);
                    match behind.map(|behind| (behind, self.file[self.at + behind])) {
                        Some((behind, 0)) => {
                            self.at += behind + 1;
                            0xFF
                        }
                        Some((behind, marker)) => {
                            self.at += behind - 1;
                            self.marker = Some(marker);
                            return;
                        }
                        None => {
                            self.marker = Some(EOI);
                            return;
                        }
                    }
                }
                Some(&byte) => {
                    self.at += 1;
                    byte
                }
                None => {
                    self.marker = Some(EOI);
                    return;
                }
            };
            self.bits |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }
}
