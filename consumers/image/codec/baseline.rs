//! The usual JPEG, decoded in Rust: sequential, Huffman codes, 8 bits a sample, grey or YCbCr, all
//! in one scan (ITU-T T.81). It comes as planes or as brightness alone, and shrunk where a smaller
//! picture is wanted.
//!
//! It takes whole files that keep to the rules. What is unusual, damaged or cut short it leaves to
//! decoders that have more patience. It is faster than they are because two coefficients are looked
//! up at once, blocks are transformed eight at a time, and no pixel is made that nobody wants.

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
use super::jpeg::headers;
use super::transform::{AREA, Blocks, LANES, SIDE, Weights, samples};
use super::{Probe, Wanted};
use crate::image::picture::{Picture, Planes};
use crate::image::scratch;

/// Decodes a file to the size that is wanted: to brightness alone, or to all of its planes. Nothing
/// when that is for somebody else to do.
pub(super) fn decode(file: &[u8], probe: &Probe, wanted: Wanted) -> Option<Picture> {
    if probe.truncated || !wanted.grey && !wanted.planes {
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
    match wanted.shrunk {
        1 => scanned::<8>(&frame, scan, wanted.grey),
        2 => scanned::<4>(&frame, scan, wanted.grey),
        4 => scanned::<2>(&frame, scan, wanted.grey),
        8 => scanned::<1>(&frame, scan, wanted.grey),
        _ => None,
    }
}

/// A component while it is decoded, N by N samples a block.
struct Plane<'a> {
    component: &'a Component,
    first: &'a Codes,
    others: &'a Pairs,
    weights: Weights,
    /// The first coefficient of the last block.
    predicted: i16,
    /// The blocks that wait until there are as many as lanes, and where their samples begin.
    blocks: Box<Blocks>,
    places: [usize; LANES],
    waiting: usize,
    /// Rows of whole blocks; none where nobody wants them.
    samples: Vec<u8>,
    pitch: usize,
}

fn scanned<const N: usize>(frame: &Frame, scan: &[u8], grey: bool) -> Option<Picture> {
    let (across, down) = frame.units();
    let units = across * down;
    let interval = if frame.restart == 0 { units } else { frame.restart };
    let mut planes = Vec::with_capacity(frame.components.len());
    for (at, component) in frame.components.iter().enumerate() {
        planes.push(Plane::new::<N>(frame, component, at == 0 || !grey)?);
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
        wanted: bool,
    ) -> Option<Self> {
        let (across, down) = frame.units();
        let pitch = across * component.across * N;
        let length = if wanted { pitch * down * component.down * N } else { 0 };
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
            samples: scratch::take(length).ok()?,
            pitch,
        })
    }

    /// The blocks of a unit of the scan.
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

    /// Weighs a block's coefficients into the next lane. Nothing when they are none.
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
            // What is too large is no picture; its colours do not matter.
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
                // Behind the very last one comes no end: what looks like it is the next block's.
                if pair.is_last() && second < AREA - 1 + Symbol::END {
                    add(first, pair.first());
                    bits.skip(pair.bits());
                    let place = bits.place();
                    scan.go_on(place);
                    return Some(());
                }
                // By itself: what is too long to be looked up, and a block's very last one.
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

    /// Makes samples of the blocks that wait.
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

    /// All samples, without what makes up whole blocks; nothing where nobody wants them.
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
