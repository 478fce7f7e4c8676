//! Decodes the usual JPEG in Rust: sequential, Huffman codes, 8 bits a sample, grey or YCbCr, all
//! in one scan (ITU-T T.81). The result is planes or brightness alone, scaled down where a smaller
//! picture is enough.
//!
//! It takes whole files that follow the rules, and leaves unusual, damaged or cut files to the more
//! tolerant decoders. It is faster than they are: it looks up two coefficients at once, transforms
//! eight blocks at a time, and does not make pixels.

mod bits;
mod frame;
mod pairs;

#[cfg(test)]
mod tests;

use image::{DynamicImage, GrayImage};

use self::bits::Scan;
use self::frame::{Component, Frame};
use self::pairs::{Pair, Pairs};
use super::huffman::{Codes, Symbol};
use super::segments::headers;
use super::transform::{AREA, Blocks, LANES, SIDE, Weights, samples};
use crate::buffers::Buffers;
use crate::codec::options::DecodeOptions;
use crate::picture::{Picture, Planes};
use crate::probe::Probe;

/// Decodes a file to the requested size: to brightness alone, or to all of its planes. `None` for a
/// file that another decoder must decode.
pub(super) fn decode(
    file: &[u8],
    probe: &Probe,
    options: DecodeOptions,
    buffers: &mut Buffers,
) -> Option<Picture> {
    if probe.truncated || !options.grey && !options.planes {
        return None;
    }
    let mut begin = 0;
    let frame = Frame::of(headers(file).map(|(marker, content)| {
        begin = content.end;
        (marker, &file[content])
    }))?;
    let scan = &file[begin..];
    let (width, height) = probe.stored();
    if frame.size != (width as usize, height as usize) {
        return None;
    }
    match options.scale {
        1 => scanned::<8>(&frame, scan, options.grey, buffers),
        2 => scanned::<4>(&frame, scan, options.grey, buffers),
        4 => scanned::<2>(&frame, scan, options.grey, buffers),
        8 => scanned::<1>(&frame, scan, options.grey, buffers),
        _ => None,
    }
}

/// A component that is being decoded, with N by N samples a block.
struct Plane<'a> {
    component: &'a Component,
    first: &'a Codes,
    others: &'a Pairs,
    weights: Weights,
    /// The first coefficient of the last block.
    predicted: i16,
    /// Blocks that wait until every lane has one, and the positions of their samples.
    blocks: Box<Blocks>,
    places: [usize; LANES],
    waiting: usize,
    /// Rows of whole blocks; empty if the caller does not need them.
    samples: Vec<u8>,
    pitch: usize,
}

fn scanned<const N: usize>(
    frame: &Frame,
    scan: &[u8],
    grey: bool,
    buffers: &mut Buffers,
) -> Option<Picture> {
    let (across, down) = frame.units();
    let units = across * down;
    let interval = if frame.restart == 0 { units } else { frame.restart };
    let mut planes = Vec::with_capacity(frame.components.len());
    for (at, component) in frame.components.iter().enumerate() {
        planes.push(Plane::new::<N>(frame, component, at == 0 || !grey, buffers)?);
    }
    let mut scan = Scan::of(scan);
    let mut unit = 0;
    loop {
        for plane in &mut planes {
            plane.predicted = 0;
        }
        let end = (unit + interval).min(units);
        while unit < end {
            let (row, column) = (unit / across, unit % across);
            let run = (across - column).min(end - unit);
            for column in column..column + run {
                for plane in &mut planes {
                    plane.unit::<N>(&mut scan, row, column)?;
                }
            }
            if scan.is_overrun() {
                return None;
            }
            unit += run;
        }
        if unit == units {
            break;
        }
        scan.restart()?;
    }
    if !scan.is_last() {
        return None;
    }
    picture(planes.into_iter().filter_map(|plane| plane.finished::<N>(frame)))
}

fn picture(mut planes: impl Iterator<Item = GrayImage>) -> Option<Picture> {
    let luma = planes.next()?;
    Some(match (planes.next(), planes.next()) {
        (Some(blue), Some(red)) => Picture::Planes(Planes { luma, chroma: [blue, red] }),
        _ => Picture::Pixels(DynamicImage::ImageLuma8(luma)),
    })
}

impl<'a> Plane<'a> {
    fn new<const N: usize>(
        frame: &'a Frame,
        component: &'a Component,
        options: bool,
        buffers: &mut Buffers,
    ) -> Option<Self> {
        let (across, down) = frame.units();
        let pitch = across * component.across * N;
        let length = if options { pitch * down * component.down * N } else { 0 };
        Some(Self {
            component,
            first: frame.first.get(component.first)?.as_ref()?,
            others: frame.others.get(component.others)?.as_ref()?,
            weights: Weights::new(
                N,
                frame.quantisation.get(usize::from(component.quantisation))?.as_ref()?,
            ),
            predicted: 0,
            blocks: Box::new([[0; LANES]; 256]),
            places: [0; LANES],
            waiting: 0,
            samples: buffers.take(length).ok()?,
            pitch,
        })
    }

    /// Reads the blocks of a unit of the scan.
    #[inline]
    fn unit<const N: usize>(
        &mut self,
        scan: &mut Scan<'_>,
        row: usize,
        column: usize,
    ) -> Option<()> {
        let Component { across, down, .. } = *self.component;
        for y in 0..down {
            for x in 0..across {
                self.block(scan)?;
                let (row, column) = (row * down + y, column * across + x);
                self.places[self.waiting] = (row * self.pitch + column) * N;
                self.waiting += 1;
                if self.waiting == LANES {
                    self.flush::<N>();
                }
            }
        }
        Some(())
    }

    /// Puts a block's weighted coefficients into the next lane. `None` if the block is invalid.
    fn block(&mut self, scan: &mut Scan<'_>) -> Option<()> {
        let mut bits = scan.bits()?;
        bits.refill();
        let first = self.first.any(bits.peek())?;
        self.predicted = self.predicted.wrapping_add(first.value(bits.peek()));
        bits.skip(first.bits());
        let Self { weights, blocks, .. } = self;
        let lane = self.waiting % LANES;
        let mut add = |at: usize, value: i16| {
            let at = at % (2 * AREA);
            let to = &mut blocks[usize::from(weights.places[at])][lane];
            // Too large a value occurs only in a damaged picture, whose colours do not matter.
            *to = to.wrapping_add(i32::from(value).wrapping_mul(weights.weights[at]));
        };
        add(0, self.predicted);
        let mut last = 0;
        'refilled: loop {
            bits.refill();
            for _ in 0..Pair::REFILLED {
                let pair = self.others.next(bits.peek());
                let first = last + pair.first_step();
                let second = first + pair.second_step();
                if second < AREA - 1 {
                    add(first, pair.first());
                    add(second, pair.second());
                    bits.skip(pair.bits());
                    last = second;
                    continue;
                }
                // No end follows the very last coefficient: bits that look like one belong to the
                // next block.
                if pair.is_last() && second < AREA - 1 + Symbol::END {
                    add(first, pair.first());
                    bits.skip(pair.bits());
                    let place = bits.place();
                    scan.go_on(place);
                    return Some(());
                }
                // Alone: a code that is too long to be looked up, and a block's very last
                // coefficient.
                bits.refill();
                let symbol = self.others.codes.any(bits.peek())?;
                last += symbol.step();
                if last < AREA {
                    add(last, symbol.value(bits.peek()));
                } else if symbol.step() != Symbol::END {
                    return None;
                }
                bits.skip(symbol.bits());
                if last >= AREA - 1 {
                    let place = bits.place();
                    scan.go_on(place);
                    return Some(());
                }
                continue 'refilled;
            }
        }
    }

    /// Makes the samples of the waiting blocks.
    fn flush<const N: usize>(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let Self { samples: all, pitch, places, .. } = self;
        if !all.is_empty() {
            samples::<N>(&self.blocks, |row, lanes| {
                for (place, lane) in places.iter().zip(lanes).take(waiting) {
                    let to = all.get_mut(place + row * *pitch..);
                    if let Some(to) = to.and_then(|to| to.first_chunk_mut()) {
                        *to = *lane;
                    }
                }
            });
        }
        self.blocks[..N * N].fill([0; LANES]);
    }

    /// All samples, without the padding of whole blocks; `None` if the caller does not need them.
    fn finished<const N: usize>(mut self, frame: &Frame) -> Option<GrayImage> {
        self.flush::<N>();
        let (width, height) = frame.size_of(self.component);
        let (width, height) = (width.div_ceil(SIDE / N), height.div_ceil(SIDE / N));
        let Self { mut samples, pitch, .. } = self;
        if samples.is_empty() {
            return None;
        }
        if pitch != width {
            for row in 1..height {
                samples.copy_within(row * pitch..row * pitch + width, row * width);
            }
        }
        samples.truncate(width * height);
        GrayImage::from_raw(u32::try_from(width).ok()?, u32::try_from(height).ok()?, samples)
    }
}
