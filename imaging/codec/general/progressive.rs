//! Progressive scans: they contain some of the coefficients, or some of their bits (ITU-T T.81,
//! annex G).

use super::super::huffman::Codes;
use super::super::transform::AREA;
use super::reader::Reader;

/// Which coefficients a scan contains, and which of their bits.
pub(super) struct Part {
    from: usize,
    to: usize,
    /// Whether it adds a bit to coefficients of earlier scans.
    refines: bool,
    /// The lowest of its bits.
    low: u32,
}

/// The reader of a scan, and how many of the next blocks are empty.
pub(super) struct Bits<'a, 'f> {
    pub(super) reader: &'a mut Reader<'f>,
    pub(super) empty: &'a mut u32,
}

impl Part {
    /// Reads the last three bytes of a scan's header. `None` when the standard forbids them.
    pub(super) fn new(components: u8, (from, to): (u8, u8), bits: u8) -> Option<Self> {
        const LOW_MAX: u8 = 13;
        let (high, low) = (bits >> 4, bits & 15);
        let band = if from == 0 { to == 0 } else { from <= to && to < 64 && components == 1 };
        let fits = band && low <= LOW_MAX && (high == 0 || high == low + 1);
        fits.then(|| Self { from: from.into(), to: to.into(), refines: high > 0, low: low.into() })
    }

    /// Whether it needs codes of first coefficients, and of the others.
    pub(super) fn needs(&self) -> (bool, bool) {
        (self.from == 0 && !self.refines, self.from > 0)
    }

    /// A coefficient whose lower bits follow in later scans.
    pub(super) fn scaled(&self, value: i16) -> i16 {
        value << self.low
    }

    /// Reads the next bit of a block's first coefficient.
    pub(super) fn refine_first(&self, reader: &mut Reader<'_>, block: &mut [i16; AREA]) {
        if reader.bit() {
            block[0] |= 1 << self.low;
        }
    }

    /// Reads the other coefficients of a block, or a bit of them.
    pub(super) fn read(&self, bits: &mut Bits<'_, '_>, codes: &Codes, block: &mut [i16; AREA]) {
        if self.refines {
            self.refine(bits, codes, block);
        } else {
            self.begin(bits, codes, block);
        }
    }

    /// Reads the upper bits of coefficients.
    fn begin(&self, bits: &mut Bits<'_, '_>, codes: &Codes, block: &mut [i16; AREA]) {
        if *bits.empty > 0 {
            *bits.empty -= 1;
            return;
        }
        let mut at = self.from;
        while at <= self.to {
            let symbol = bits.reader.symbol(codes);
            let (zeros, size) = (symbol >> 4, symbol & 15);
            match (zeros, size) {
                (15, 0) => at += 16,
                (_, 0) => {
                    *bits.empty = bits.run(zeros) - 1;
                    return;
                }
                _ => {
                    at += usize::from(zeros);
                    // A damaged block may have too many coefficients: the rest overwrite the last
                    // one.
                    block[at.min(AREA - 1)] = self.scaled(bits.reader.value(size));
                    at += 1;
                }
            }
        }
    }

    /// Reads a lower bit of coefficients, and those that begin with it.
    fn refine(&self, bits: &mut Bits<'_, '_>, codes: &Codes, block: &mut [i16; AREA]) {
        let mut at = self.from;
        if *bits.empty == 0 {
            while at <= self.to {
                let symbol = bits.reader.symbol(codes);
                let (zeros, size) = (symbol >> 4, symbol & 15);
                let mut begun = None;
                if size > 0 {
                    let one = 1 << self.low;
                    begun = Some(if bits.reader.bit() { one } else { -one });
                } else if zeros < 15 {
                    *bits.empty = bits.run(zeros);
                    break;
                }
                at = self.refine_over(bits.reader, block, at, Some(zeros));
                if let Some(begun) = begun {
                    block[at.min(AREA - 1)] = begun;
                }
                at += 1;
            }
        }
        if *bits.empty > 0 {
            self.refine_over(bits.reader, block, at, None);
            *bits.empty -= 1;
        }
    }

    /// Reads a bit for each coefficient that is not zero, and skips `zeros` zero coefficients.
    /// Stops at the next zero, or at the end of the band if `zeros` is `None`. Returns the position
    /// at which it stopped.
    fn refine_over(
        &self,
        reader: &mut Reader<'_>,
        block: &mut [i16; AREA],
        mut at: usize,
        zeros: Option<u8>,
    ) -> usize {
        let one = 1 << self.low;
        let mut left = zeros;
        while at <= self.to {
            let value = &mut block[at];
            if *value == 0 {
                match &mut left {
                    Some(0) => break,
                    Some(left) => *left -= 1,
                    None => {}
                }
            } else if reader.bit() && *value & one == 0 {
                *value = value.wrapping_add(if *value > 0 { one } else { -one });
            }
            at += 1;
        }
        at
    }
}

impl Bits<'_, '_> {
    /// How many blocks are empty, counting from the current one.
    fn run(&mut self, bits: u8) -> u32 {
        (1 << bits) + u32::from(self.reader.number(bits))
    }
}
