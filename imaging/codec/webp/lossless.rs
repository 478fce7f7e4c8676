//! Lossless WebP bitstreams, read as far as needed to know the size of their decoder's tables (RFC
//! 9649, section 3).
//!
//! A picture of any size may use 65,536 groups of prefix codes, and a decoder holds the tables of
//! every group. In the stream, the number of groups follows some small pictures. So these are read
//! too, but not kept.

#[cfg(test)]
mod tests;

/// The number of symbols in the codes of a group: green with the lengths, red, blue, alpha and
/// distances. A colour cache adds symbols to the first.
const ALPHABETS: [usize; 5] = [256 + LENGTHS, 256, 256, 256, 40];
const GREEN: usize = 0;
const RED: usize = 1;
const BLUE: usize = 2;
const ALPHA: usize = 3;
const DISTANCE: usize = 4;
/// How many symbols of the first alphabet are lengths of copies.
const LENGTHS: usize = 24;

const LONGEST_CODE: usize = 15;
/// The order of the lengths of the codes for lengths.
const LENGTH_ORDER: [usize; 19] =
    [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// A decoder's memory for a code: a table of its first ten bits, and two nodes for each symbol.
const TABLE: u64 = 4 << 10;
const SYMBOL: u64 = 32;

/// The most memory in bytes that the tables of a bitstream take. The stream begins after its
/// header, and its picture has this size. `None` if it is damaged, or has more groups than there
/// are places to use one, which no encoder writes.
pub(super) fn tables(stream: &[u8], size: (u32, u32)) -> Option<u64> {
    let (groups, cache) = groups(stream, size)?;
    let symbols = (ALPHABETS.iter().sum::<usize>() + cache) as u64;
    Some(u64::from(groups) * (ALPHABETS.len() as u64 * TABLE + symbols * SYMBOL))
}

/// The number of groups of codes, and of symbols that a colour cache adds to each.
fn groups(stream: &[u8], size: (u32, u32)) -> Option<(u32, usize)> {
    let mut bits = Bits { stream, at: 0 };
    let (width, height) = (transformed_width(&mut bits, size)?, size.1);
    let cache = cache_symbols(&mut bits)?;
    if !bits.flag()? {
        return Some((1, cache));
    }
    let (across, down) = blocks(&mut bits, (width, height))?;
    let groups = skip_picture(&mut bits, (across, down))? + 1;
    (u64::from(groups) <= u64::from(across) * u64::from(down)).then_some((groups, cache))
}

/// Skips the transforms of the decoded pixels; returns the width before them.
fn transformed_width(bits: &mut Bits<'_>, (mut width, height): (u32, u32)) -> Option<u32> {
    let mut seen = [false; 4];
    while bits.flag()? {
        let kind = bits.take(2)?;
        if std::mem::replace(&mut seen[kind as usize], true) {
            return None;
        }
        match kind {
            0 | 1 => {
                let blocks = blocks(bits, (width, height))?;
                skip_picture(bits, blocks)?;
            }
            2 => {}
            _ => {
                let colours = bits.take(8)? + 1;
                skip_picture(bits, (colours, 1))?;
                // With few colours, several pixels are packed into one.
                width = width.div_ceil(match colours {
                    0..=2 => 8,
                    3..=4 => 4,
                    5..=16 => 2,
                    _ => 1,
                });
            }
        }
    }
    Some(width)
}

/// The size of a picture that has one pixel for each block of another.
fn blocks(bits: &mut Bits<'_>, (width, height): (u32, u32)) -> Option<(u32, u32)> {
    let side = 1 << (bits.take(3)? + 2);
    Some((width.div_ceil(side), height.div_ceil(side)))
}

/// How many symbols a colour cache adds.
fn cache_symbols(bits: &mut Bits<'_>) -> Option<usize> {
    if !bits.flag()? {
        return Some(0);
    }
    let size = bits.take(4)?;
    (1..=11).contains(&size).then(|| 1 << size)
}

/// Skips a picture within the stream. Returns the highest number that red and green make together:
/// copied pixels and pixels from the cache occurred before or are 0.
///
/// Each iteration reads at least a bit, so that the stream's length bounds the time.
fn skip_picture(bits: &mut Bits<'_>, (width, height): (u32, u32)) -> Option<u32> {
    let cache = cache_symbols(bits)?;
    let mut codes = Vec::with_capacity(ALPHABETS.len());
    for alphabet in ALPHABETS {
        codes.push(Code::read(bits, alphabet + if codes.is_empty() { cache } else { 0 })?);
    }
    let literal = |bits: &mut Bits<'_>, green: u16| {
        let red = codes[RED].symbol(bits)?;
        codes[BLUE].symbol(bits)?;
        codes[ALPHA].symbol(bits)?;
        Some(u32::from(red) << 8 | u32::from(green))
    };

    let mut left = u64::from(width) * u64::from(height);
    if let &[green] = &codes[GREEN].symbols[..] {
        let plain = codes[RED..=ALPHA].iter().all(Code::is_free);
        match usize::from(green) {
            0..256 if plain => return literal(bits, green),
            // It would copy pixels before the first one.
            256..280 => return None,
            280.. => return Some(0),
            _ => {}
        }
    }
    let mut highest = 0;
    while left > 0 {
        let green = codes[GREEN].symbol(bits)?;
        let pixels = match usize::from(green) {
            0..256 => {
                highest = literal(bits, green)?.max(highest);
                1
            }
            256..280 => {
                let length = bits.number(green - 256)?;
                let distance = codes[DISTANCE].symbol(bits)?;
                bits.number(distance)?;
                length
            }
            _ => 1,
        };
        left = left.checked_sub(pixels)?;
    }
    Some(highest)
}

/// A canonical prefix code.
struct Code {
    /// The number of symbols with a code of each length.
    counts: [u16; LONGEST_CODE + 1],
    /// The symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    fn read(bits: &mut Bits<'_>, alphabet: usize) -> Option<Self> {
        if !bits.flag()? {
            return Self::from_lengths(&lengths(bits, alphabet)?);
        }
        let two = bits.flag()?;
        let first = if bits.flag()? { 8 } else { 1 };
        let mut code = Self { counts: [0; LONGEST_CODE + 1], symbols: vec![bits.symbol(first)?] };
        if two {
            code.symbols.push(bits.symbol(8)?);
            code.counts[1] = 2;
        }
        code.symbols.iter().all(|&symbol| usize::from(symbol) < alphabet).then_some(code)
    }

    /// From the length of each symbol's code. `None` unless every combination of bits has a
    /// meaning.
    fn from_lengths(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0; LONGEST_CODE + 1];
        let mut symbols: Vec<u16> = (0..)
            .zip(lengths)
            .filter(|(_, length)| **length > 0)
            .map(|(symbol, _)| symbol)
            .collect();
        symbols.sort_by_key(|symbol| lengths[usize::from(*symbol)]);
        if symbols.len() > 1 {
            let length = |symbol: &u16| usize::from(lengths[usize::from(*symbol)]);
            for symbol in &symbols {
                counts[length(symbol)] += 1;
            }
            let used: u32 = (0..)
                .zip(counts)
                .map(|(length, count)| u32::from(count) << (LONGEST_CODE - length))
                .sum();
            if used != 1 << LONGEST_CODE {
                return None;
            }
        }
        (!symbols.is_empty()).then_some(Self { counts, symbols })
    }

    /// Whether it has one symbol, which takes no bits.
    fn is_free(&self) -> bool {
        self.symbols.len() == 1
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Option<u16> {
        if self.is_free() {
            return self.symbols.first().copied();
        }
        let (mut code, mut first, mut index) = (0, 0, 0);
        for &count in &self.counts[1..] {
            let count = usize::from(count);
            code |= usize::from(bits.flag()?);
            if code < first + count {
                return self.symbols.get(index + code - first).copied();
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

/// The length of each symbol's code. The lengths are written in a prefix code themselves.
fn lengths(bits: &mut Bits<'_>, alphabet: usize) -> Option<Vec<u8>> {
    let mut of_lengths = [0; LENGTH_ORDER.len()];
    let given = 4 + bits.take(4)? as usize;
    for &place in &LENGTH_ORDER[..given] {
        of_lengths[place] = bits.take(3)?.try_into().ok()?;
    }
    let code = Code::from_lengths(&of_lengths)?;

    let mut tokens = alphabet;
    if bits.flag()? {
        let width = 2 + 2 * bits.take(3)?;
        tokens = 2 + bits.take(width)? as usize;
        if tokens > alphabet {
            return None;
        }
    }
    let mut lengths = Vec::with_capacity(alphabet);
    let mut previous = 8;
    while lengths.len() < alphabet && tokens > 0 {
        tokens -= 1;
        let (length, times) = match code.symbol(bits)? {
            16 => (previous, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (u8::try_from(length).ok()?, 1),
        };
        if length > 0 {
            previous = length;
        }
        lengths.resize(lengths.len() + times as usize, length);
    }
    lengths.resize(lengths.len().max(alphabet), 0);
    (lengths.len() == alphabet).then_some(lengths)
}

/// Reads bits from the lowest of the first byte on.
struct Bits<'a> {
    stream: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn flag(&mut self) -> Option<bool> {
        let byte = self.stream.get(self.at / 8)?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |bits, place| Some(bits | u32::from(self.flag()?) << place))
    }

    /// A symbol that is written in this many bits without a code.
    fn symbol(&mut self, count: u32) -> Option<u16> {
        self.take(count)?.try_into().ok()
    }

    /// A length or a distance: its prefix, and the bits that follow.
    fn number(&mut self, prefix: u16) -> Option<u64> {
        let prefix = u32::from(prefix);
        if prefix < 4 {
            return Some(u64::from(prefix) + 1);
        }
        let extra = (prefix - 2) >> 1;
        let offset = (2 + u64::from(prefix & 1)) << extra;
        Some(offset + u64::from(self.take(extra)?) + 1)
    }
}
