//! Coefficients two at a time: most are short enough that one lookup finds two.

// Fields are parts of words.
#![allow(clippy::cast_possible_truncation)]

use super::bits::Bits;
use crate::codec::huffman::{Codes, LOOKAHEAD, LOOKUPS, Symbol};

/// The codes of all coefficients except the first.
pub(super) struct Pairs {
    /// For coefficients that cannot be looked up.
    pub(super) codes: Codes,
    pairs: Box<[Pair; LOOKUPS]>,
}

/// The coefficients at the start of the next bits: one, and the one after it or the end of the
/// block, if that is within the looked-up bits too. It is packed into a word, so that one lookup is
/// enough: from the lowest byte up its length in bits, the step to the first coefficient, the step
/// to the second, whether the block ends with it; then both values.
///
/// An absent second coefficient has the value 0 and the first one's position, so adding it changes
/// nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair(u64);

impl Pairs {
    /// The table for all bits that codes can begin with.
    pub(super) fn new(codes: Codes) -> Self {
        let mut pairs = Box::new([Pair::LONG; LOOKUPS]);
        for (bits, pair) in (0_u64..).zip(pairs.iter_mut()) {
            *pair = Pair::of(&codes, bits << (64 - LOOKAHEAD));
        }
        Self { codes, pairs }
    }

    /// The coefficients at the start of these bits.
    #[inline]
    pub(super) fn next(&self, next: u64) -> Pair {
        self.pairs[(next >> (64 - LOOKAHEAD)) as usize]
    }
}

impl Pair {
    /// Stands in for a coefficient that must be decoded by its code; its step leads out of every
    /// block, and not to its end.
    const LONG: Self = Self(128 << 8);

    /// How many pairs fit into one refill.
    pub(super) const REFILLED: u32 = Bits::REFILLED / LOOKAHEAD;

    /// The coefficients at the start of the looked-up bits; after these, bits other than 0 may
    /// follow.
    fn of(codes: &Codes, next: u64) -> Self {
        let first = codes.short(next);
        if first == Symbol::LONG || first.bits() > LOOKAHEAD {
            return Self::LONG;
        }
        let behind = next << first.bits();
        let second = codes.short(behind);
        let whole = second != Symbol::LONG && first.bits() + second.bits() <= LOOKAHEAD;
        let alone = first.step() == Symbol::END || !whole;
        let second = if alone { Symbol::NONE } else { second };
        let is_last = [first.step(), second.step()].contains(&Symbol::END);
        let fields = [
            (0, u64::from(first.bits() + second.bits())),
            (8, first.step() as u64),
            (16, second.step() as u64),
            (24, u64::from(is_last)),
            (32, u64::from(first.value(next).cast_unsigned())),
            (48, u64::from(second.value(behind).cast_unsigned())),
        ];
        Self(fields.iter().map(|(at, field)| field << at).sum())
    }

    /// Its length in bits, in the lowest six bits; the bits above belong to other fields.
    #[inline]
    pub(super) fn bits(self) -> u32 {
        self.0 as u32
    }

    /// The step from the previous coefficient to the first.
    #[inline]
    pub(super) fn first_step(self) -> usize {
        (self.0 >> 8) as usize & 255
    }

    /// The step from the first to the second.
    #[inline]
    pub(super) fn second_step(self) -> usize {
        (self.0 >> 16) as usize & 255
    }

    /// Whether it is the end of the block.
    #[inline]
    pub(super) fn is_last(self) -> bool {
        self.0 >> 24 & 255 != 0
    }

    /// The first coefficient.
    #[inline]
    pub(super) fn first(self) -> i16 {
        (self.0 >> 32) as i16
    }

    /// The second coefficient.
    #[inline]
    pub(super) fn second(self) -> i16 {
        (self.0 >> 48) as i16
    }
}
