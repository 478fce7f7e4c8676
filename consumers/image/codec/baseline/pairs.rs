//! Coefficients two at a time: most are short enough for two of them to be looked up at once.

// Fields are cut out of words.
#![allow(clippy::cast_possible_truncation)]

use super::bits::Bits;
use crate::image::codec::huffman::{Codes, LOOKAHEAD, LOOKUPS, Symbol};

/// The codes of all coefficients but the first.
pub(super) struct Pairs {
    /// For those that are not looked up.
    pub(super) codes: Codes,
    pairs: Box<[Pair; LOOKUPS]>,
}

/// What the next bits begin with: a coefficient and, if all of it is among the bits that are looked
/// up, the one behind it or the end of the block. In a word, so that it takes one look: from the
/// lowest byte on its bits, the step to the first one, the step to the second one, whether the
/// block ends with it; then both values.
///
/// A second one that is none is 0, and where the first one is: to add it changes nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair(u64);

impl Pairs {
    /// Of all that the codes can begin with.
    pub(super) fn new(codes: Codes) -> Self {
        let mut pairs = Box::new([Pair::LONG; LOOKUPS]);
        for (bits, pair) in (0_u64..).zip(pairs.iter_mut()) {
            *pair = Pair::of(&codes, bits << (64 - LOOKAHEAD));
        }
        Self { codes, pairs }
    }

    /// What these bits begin with.
    #[inline]
    pub(super) fn next(&self, next: u64) -> Pair {
        self.pairs[(next >> (64 - LOOKAHEAD)) as usize]
    }
}

impl Pair {
    /// What has to be read by its code; its step leads out of every block, and to no end.
    const LONG: Self = Self(128 << 8);

    /// How many of them fit into what is refilled at once.
    pub(super) const REFILLED: u32 = Bits::REFILLED / LOOKAHEAD;

    /// Of as many bits as are looked up; others than 0 may stand behind them.
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

    /// How long it is in bits, in the lowest six; above them are others.
    #[inline]
    pub(super) fn bits(self) -> u32 {
        self.0 as u32
    }

    /// By how much the place of the first one is beyond that of the last one before.
    #[inline]
    pub(super) fn first_step(self) -> usize {
        (self.0 >> 8) as usize & 255
    }

    /// By how much the place of the second one is beyond that of the first.
    #[inline]
    pub(super) fn second_step(self) -> usize {
        (self.0 >> 16) as usize & 255
    }

    /// Whether the block ends with it.
    #[inline]
    pub(super) fn is_last(self) -> bool {
        self.0 >> 24 & 255 != 0
    }

    /// The first one.
    #[inline]
    pub(super) fn first(self) -> i16 {
        (self.0 >> 32) as i16
    }

    /// The second one.
    #[inline]
    pub(super) fn second(self) -> i16 {
        (self.0 >> 48) as i16
    }
}
