//! Huffman codes, and the values after them (ITU-T T.81, annexes C and F.2.2).

// Fields are parts of words.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]

pub(crate) mod standard;

/// How many bits are looked up at once. Longer codes are rare, and are searched for.
pub(super) const LOOKAHEAD: u32 = 10;
/// How many values these bits have.
pub(super) const LOOKUPS: usize = 1 << LOOKAHEAD;

/// The longest code, in bits.
const LONGEST: usize = 16;
/// The longest value of a picture of 8 bits a sample, in bits.
const VALUE_MAX: u8 = 11;

/// A table of codes.
pub(super) struct Codes {
    /// The symbol at the start of each value of [`LOOKAHEAD`] bits.
    short: Box<[Symbol; LOOKUPS]>,
    /// For each length, the first number after its last code, in [`LONGEST`] bits.
    ends: [u32; LONGEST + 1],
    /// For each length, the number to add to a code to get its symbol's index.
    offsets: [i32; LONGEST + 1],
    symbols: Vec<Symbol>,
}

/// The meaning of a code, packed into a word, so that one lookup is enough. From the lowest byte
/// up: the length of the code with its value, and the length of the value, both in bits; then the
/// step from the previous coefficient to this one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol(u32);

/// The coefficients that codes are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The first coefficient of each block.
    First,
    /// The other coefficients, each with the number of zeros before it.
    Others,
    /// Any kind: each symbol is the byte that the table has for it.
    Plain,
}

impl Codes {
    /// From the number of codes of each length, and their symbols. `None` if there are too many
    /// codes, or some that a picture of 8 bits a sample does not need.
    pub(super) fn new(counts: &[u8; LONGEST], values: &[u8], class: Class) -> Option<Self> {
        let mut codes = Self {
            short: Box::new([Symbol::LONG; LOOKUPS]),
            ends: [0; LONGEST + 1],
            offsets: [0; LONGEST + 1],
            symbols: Vec::with_capacity(values.len()),
        };
        let mut code: u32 = 0;
        for (length, &count) in (1_u8..).zip(counts) {
            let at = usize::from(length);
            codes.offsets[at] = codes.symbols.len() as i32 - code as i32;
            for _ in 0..count {
                let symbol = Symbol::new(*values.get(codes.symbols.len())?, length, class)?;
                if code >= 1 << length {
                    return None;
                }
                if let Some(spare) = LOOKAHEAD.checked_sub(length.into()) {
                    let begin = (code << spare) as usize;
                    codes.short[begin..begin + (1 << spare)].fill(symbol);
                }
                codes.symbols.push(symbol);
                code += 1;
            }
            codes.ends[at] = code << (LONGEST - at);
            code <<= 1;
        }
        Some(codes)
    }

    /// The symbol at the start of these bits; [`Symbol::LONG`] if it must be searched for.
    #[inline]
    pub(super) fn short(&self, next: u64) -> Symbol {
        self.short[(next >> (64 - LOOKAHEAD)) as usize]
    }

    /// The symbol at the start of these bits, whatever its length; `None` if they begin with no
    /// code.
    #[inline]
    pub(super) fn any(&self, next: u64) -> Option<Symbol> {
        match self.short(next) {
            Symbol::LONG => self.long(next),
            short => Some(short),
        }
    }

    #[cold]
    fn long(&self, next: u64) -> Option<Symbol> {
        let code = (next >> (64 - LONGEST)) as u32;
        let length = (LOOKAHEAD as usize + 1..=LONGEST).find(|&it| code < self.ends[it])?;
        let at = (code >> (LONGEST - length)) as i32 + self.offsets[length];
        self.symbols.get(usize::try_from(at).ok()?).copied()
    }
}

impl Symbol {
    /// No bits, no step, no value.
    pub(super) const NONE: Self = Self(0);
    /// Stands in for a code that is too long to be looked up.
    pub(super) const LONG: Self = Self(u32::MAX);
    /// The step of a symbol after which a block has no more coefficients.
    pub(super) const END: usize = 64;

    fn new(value: u8, length: u8, class: Class) -> Option<Self> {
        let (run, size) = match class {
            Class::First => (0, value),
            Class::Others => (value >> 4, value & 15),
            Class::Plain => return Some(Self(u32::from_le_bytes([length, 0, 0, value]))),
        };
        if size > VALUE_MAX {
            return None;
        }
        let step = match (class, run, size) {
            (Class::Others, 0, 0) => Self::END as u8,
            // The most zeros of one symbol.
            (Class::Others, 15, 0) => 16,
            (Class::Others, _, 0) => return None,
            _ => run + 1,
        };
        Some(Self(u32::from_le_bytes([length + size, size, step, 0])))
    }

    /// The step from the previous coefficient to this one.
    #[inline]
    pub(super) fn step(self) -> usize {
        (self.0 >> 16) as usize
    }

    /// The length of the code with its value, at most 27 bits.
    #[inline]
    pub(super) fn bits(self) -> u32 {
        self.0 & 63
    }

    /// The table's byte for the code, in [`Class::Plain`].
    #[inline]
    pub(super) fn byte(self) -> u8 {
        (self.0 >> 24) as u8
    }

    /// The value of the code at the start of these bits; 0 for a code without a value. It is
    /// negative if its first bit is 0 (T.81, F.12: `EXTEND`).
    #[inline]
    pub(super) fn value(self, next: u64) -> i16 {
        let size = self.0 >> 8 & 63;
        let behind = next << ((self.bits() - size) & 63);
        let value = (behind >> 1 >> (63 - size)) as i32;
        let negative = !(behind as i64 >> 63) as i32;
        (value - (negative & ((1 << (size & 31)) - 1))) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One code of each length: one bit, two bits, and so on.
    const STAIRS: [u8; LONGEST] = [1; LONGEST];

    #[test]
    fn codes_of_every_length_are_found_and_those_that_are_none_are_not() {
        let values: Vec<u8> = (0x01..=0x10).map(|value| value % 10 + 1).collect();
        let codes = Codes::new(&STAIRS, &values, Class::Others).unwrap();
        for (length, value) in (1_u32..).zip(&values) {
            // Ones, and a zero at the end.
            let code = u64::MAX << (64 - length) ^ 1 << (64 - length);
            let symbol = codes.any(code).unwrap();
            assert_eq!(symbol.bits(), length + u32::from(*value), "a code of {length} bits");
            assert_eq!(codes.short(code) == Symbol::LONG, length > LOOKAHEAD);
        }
        assert!(codes.any(u64::MAX).is_none());
    }

    #[test]
    fn a_value_is_extended_by_its_first_bit() {
        // T.81, tables F.1 and F.2.
        let table = [
            (1, 0b0, -1),
            (1, 0b1, 1),
            (2, 0b00, -3),
            (2, 0b01, -2),
            (2, 0b10, 2),
            (2, 0b11, 3),
            (3, 0b000, -7),
            (3, 0b011, -4),
            (3, 0b100, 4),
            (11, 0, -2047),
            (11, 1 << 10, 1024),
            (11, 2047, 2047),
        ];
        for (size, bits, expected) in table {
            let symbol = Symbol::new(size, 2, Class::First).unwrap();
            let next = 0b10 << 62 | bits << (62 - size);
            assert_eq!(symbol.value(next), expected, "{bits:b} of {size} bits");
            assert_eq!(symbol.bits(), u32::from(size) + 2);
        }
        assert_eq!(Symbol::new(0, 2, Class::First).unwrap().value(u64::MAX), 0);
        assert_eq!(Symbol::NONE.value(u64::MAX), 0);
    }

    #[test]
    fn tables_that_no_usual_picture_has_are_left_to_others() {
        let of_first = |length: usize, count: u8, values: &[u8]| {
            let mut counts = [0; LONGEST];
            counts[length - 1] = count;
            Codes::new(&counts, values, Class::First)
        };
        assert!(of_first(1, 2, &[0, 1]).is_some());
        assert!(of_first(1, 3, &[0, 1, 2]).is_none(), "more codes than there are");
        assert!(of_first(2, 2, &[0]).is_none(), "fewer values than codes");
        for size in [12, u8::MAX] {
            assert!(of_first(2, 1, &[size]).is_none(), "{size} bits are more than a value has");
        }
        let mut counts = [0; LONGEST];
        counts[1] = 1;
        assert!(
            Codes::new(&counts, &[0x30], Class::Others).is_none(),
            "zeros and nothing behind them"
        );
    }
}
