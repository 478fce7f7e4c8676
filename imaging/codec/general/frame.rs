//! A frame and its components: their blocks are decoded and become samples (ITU-T T.81, A.1 and
//! B.2.2).

use std::ops::Range;

use image::GrayImage;

use super::super::bytes::GREY;
use super::super::tables::Tables;
use super::super::transform::{AREA, Blocks, LANES, SIDE, Weights, samples};
use super::colours::Sampled;
use super::fault::wrong;
use crate::buffers::Buffers;
use crate::error::Error;
use crate::memory;

/// A frame that is being decoded.
pub(super) struct Frame {
    /// Width and height of the stored picture.
    size: (usize, usize),
    /// The side of the square of pixels that a block becomes: 8, or 4, 2 or 1 in a smaller picture.
    side: usize,
    pub(super) is_progressive: bool,
    pub(super) components: Vec<Component>,
    /// The most blocks of a component side by side in a unit, and one above the other.
    unit: (usize, usize),
}

/// Which components to decode, and at which resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The first component alone.
    Luma,
    /// All of them, each sampled as it is stored.
    Planes,
    /// All of them, each as close to the picture's own resolution as its blocks allow.
    Pixels,
}

/// Brightness, a colour or an ink.
pub(super) struct Component {
    pub(super) id: u8,
    /// How many of its blocks are side by side in a unit.
    pub(super) across: usize,
    /// How many are one above the other.
    pub(super) down: usize,
    /// Its quantisation table's number, from the frame header.
    quantisation: u8,
    /// The side of its own blocks in samples: more than the frame's if that compensates for its
    /// coarser sampling.
    side: usize,
    /// The factors of its coefficients, known from its first scan on.
    weights: Option<Weights>,
    /// How many blocks the picture covers in each direction.
    pub(super) blocks: (usize, usize),
    /// The same, rounded up to whole units.
    padded: (usize, usize),
    /// How many rows of blocks `coefficients` has room for: all rows in a progressive frame, those
    /// of one unit in a sequential one.
    held: usize,
    coefficients: Vec<i16>,
    /// Samples in rows of whole blocks. Empty if the component is not decoded.
    samples: Vec<u8>,
}

impl Frame {
    /// Reads a frame header. The picture's sides will be divided by `scale`: 1, 2, 4 or 8. Takes no
    /// memory for blocks before [`begin`](Self::begin).
    ///
    /// # Errors
    /// `ErrorKind::BadPicture` if it is damaged, or has another size than the file's first frame
    /// header.
    pub(super) fn new(
        content: &[u8],
        is_progressive: bool,
        stored: (u32, u32),
        scale: u32,
    ) -> Result<Self, Error> {
        const COMPONENTS_MAX: u8 = 4;
        let &[precision, h0, h1, w0, w1, count, ref rest @ ..] = content else {
            return Err(wrong("its frame header is cut short"));
        };
        let (width, height) = (u16::from_be_bytes([w0, w1]), u16::from_be_bytes([h0, h1]));
        if precision != 8 || (width.into(), height.into()) != stored {
            return Err(wrong("its frame headers disagree"));
        }
        let (described, _) = rest.as_chunks::<3>();
        let known = matches!(count, 1 | 3 | COMPONENTS_MAX);
        if !known || described.len() < count.into() {
            return Err(wrong(&format!("it has {count} components")));
        }
        let described = &described[..count.into()];
        let factors = described.iter().map(|&[_, factors, _]| (factors >> 4, factors & 15));
        if factors
            .clone()
            .any(|(across, down)| !(1..=4).contains(&across) || !(1..=4).contains(&down))
        {
            return Err(wrong("a component has impossible sampling factors"));
        }
        let most = |one: (u8, u8), other: (u8, u8)| (one.0.max(other.0), one.1.max(other.1));
        let (unit_across, unit_down) = factors.fold((1, 1), most);
        let mut frame = Self {
            size: (width.into(), height.into()),
            side: SIDE / (scale as usize).clamp(1, SIDE),
            is_progressive,
            components: Vec::new(),
            unit: (unit_across.into(), unit_down.into()),
        };
        let units = frame.units();
        for &[id, factors, quantisation] in described {
            let (across, down) = (usize::from(factors >> 4), usize::from(factors & 15));
            let (width, height) = frame.sampled_size(across, down);
            let padded = (units.0 * across, units.1 * down);
            frame.components.push(Component {
                id,
                across,
                down,
                quantisation,
                side: frame.side,
                weights: None,
                blocks: (width.div_ceil(SIDE), height.div_ceil(SIDE)),
                padded,
                held: if is_progressive { padded.1 } else { down },
                coefficients: Vec::new(),
                samples: Vec::new(),
            });
        }
        Ok(frame)
    }

    /// The names of its components.
    pub(super) fn ids(&self) -> Vec<u8> {
        self.components.iter().map(|component| component.id).collect()
    }

    /// Takes the memory for coefficients and samples.
    ///
    /// # Errors
    /// [`NoMemory`](crate::ErrorKind::NoMemory) if the system refuses the memory.
    pub(super) fn begin(&mut self, options: Part, buffers: &mut Buffers) -> Result<(), Error> {
        let whole = (self.unit.0 * self.side, self.unit.1 * self.side);
        for (at, component) in self.components.iter_mut().enumerate() {
            let fits = |side| {
                whole.0.is_multiple_of(component.across * side)
                    && whole.1.is_multiple_of(component.down * side)
            };
            while options != Part::Planes && component.side < SIDE && fits(2 * component.side) {
                component.side *= 2;
            }
            let (across, down) = component.padded;
            component.coefficients = memory::zeroed(across * component.held * AREA)?;
            if at == 0 || options != Part::Luma {
                let area = component.side * component.side;
                component.samples = buffers.filled(across * down * area, GREY)?;
            }
        }
        Ok(())
    }

    /// How many units a scan of several components has side by side, and one above the other.
    pub(super) fn units(&self) -> (usize, usize) {
        let (across, down) = self.unit;
        (self.size.0.div_ceil(across * SIDE), self.size.1.div_ceil(down * SIDE))
    }

    /// Whether nothing is missing and nothing can be added: each component has had its scan.
    pub(super) fn is_complete(&self) -> bool {
        !self.is_progressive && self.components.iter().all(|component| component.weights.is_some())
    }

    /// Makes the samples of a progressive frame, after all of its scans have been read.
    pub(super) fn finish(&mut self) {
        for component in &mut self.components {
            if self.is_progressive {
                component.make_samples(0..component.padded.1);
            }
            component.coefficients = Vec::new();
        }
    }

    /// The size of the decoded picture.
    pub(super) fn shrunk_size(&self) -> (usize, usize) {
        (self.size.0.div_ceil(SIDE / self.side), self.size.1.div_ceil(SIDE / self.side))
    }

    /// Whether its components are planes that every encoder takes: one or two pixels across and one
    /// or two down share each sample of colour.
    pub(super) fn is_planar(&self) -> bool {
        let mut factors = self.components.iter().map(|it| (it.across, it.down));
        matches!(factors.next(), Some((1 | 2, 1 | 2))) && factors.eq([(1, 1), (1, 1)])
    }

    /// The samples of each component, and their position on the picture.
    pub(super) fn sampled(&self) -> Vec<Sampled<'_>> {
        let sampled = self.components.iter().map(|component| Sampled {
            samples: &component.samples,
            pitch: component.padded.0 * component.side,
            size: self.cut_size(component),
            across: (component.across * component.side, self.unit.0 * self.side),
            down: (component.down * component.side, self.unit.1 * self.side),
        });
        sampled.collect()
    }

    /// Each component as a plane of its own.
    pub(super) fn into_planes(self) -> impl Iterator<Item = GrayImage> {
        let sizes: Vec<_> = self.components.iter().map(|it| self.cut_size(it)).collect();
        self.components.into_iter().zip(sizes).map(|(component, (width, height))| {
            let (pitch, mut samples) = (component.padded.0 * component.side, component.samples);
            for row in 1..height {
                samples.copy_within(row * pitch..row * pitch + width, row * width);
            }
            samples.truncate(width * height);
            // Both sides are at most those of a JPEG, 65535.
            #[allow(clippy::cast_possible_truncation)]
            GrayImage::from_raw(width as u32, height as u32, samples).unwrap_or_default()
        })
    }

    /// Gives its memory to later pictures.
    pub(super) fn recycle(self, buffers: &mut Buffers) {
        self.components.into_iter().for_each(|component| buffers.give(component.samples));
    }

    fn cut_size(&self, component: &Component) -> (usize, usize) {
        let (width, height) = self.sampled_size(component.across, component.down);
        (width.div_ceil(SIDE / component.side), height.div_ceil(SIDE / component.side))
    }

    /// How many samples a component has in each direction.
    fn sampled_size(&self, across: usize, down: usize) -> (usize, usize) {
        let (width, height) = self.size;
        ((width * across).div_ceil(self.unit.0), (height * down).div_ceil(self.unit.1))
    }
}

impl Component {
    /// The coefficients of a block, in the file's order.
    #[inline]
    pub(super) fn block(&mut self, row: usize, column: usize) -> Option<&mut [i16; AREA]> {
        let at = (row % self.held) * self.padded.0 + column;
        self.coefficients.as_chunks_mut().0.get_mut(at)
    }

    /// Takes the quantisation table that is valid when the first scan begins.
    ///
    /// # Errors
    /// `ErrorKind::BadPicture` if the file lacks it.
    pub(super) fn quantise(&mut self, tables: &Tables<'_>) -> Result<(), Error> {
        if self.weights.is_none() {
            self.weights = Some(Weights::new(self.side, tables.quantisation(self.quantisation)?));
        }
        Ok(())
    }

    /// Makes the samples of these rows of blocks, and sets their coefficients to 0.
    pub(super) fn make_samples(&mut self, rows: Range<usize>) {
        match self.side {
            1 => self.transform::<1>(rows),
            2 => self.transform::<2>(rows),
            4 => self.transform::<4>(rows),
            _ => self.transform::<8>(rows),
        }
    }

    /// With N by N samples a block.
    fn transform<const N: usize>(&mut self, rows: Range<usize>) {
        let Self { weights, padded: (across, down), held, coefficients, samples: all, .. } = self;
        let (across, pitch) = (*across, *across * N);
        let Some(weights) = weights.as_ref().filter(|_| !all.is_empty()) else {
            coefficients.fill(0);
            return;
        };
        let mut blocks: Box<Blocks> = Box::new([[0; LANES]; 256]);
        for row in rows.start..rows.end.min(*down) {
            let begin = row % *held * across;
            let waiting = &mut coefficients.as_chunks_mut::<AREA>().0[begin..begin + across];
            for (group, waiting) in waiting.chunks_mut(LANES).enumerate() {
                for (lane, block) in waiting.iter_mut().enumerate() {
                    weigh(block, weights, &mut blocks, lane);
                }
                let place = row * N * pitch + group * LANES * N;
                samples::<N>(&blocks, |row, lanes| {
                    for (lane, from) in lanes.iter().enumerate().take(waiting.len()) {
                        let to = all.get_mut(place + row * pitch + lane * N..);
                        if let Some(to) = to.and_then(|to| to.first_chunk_mut()) {
                            *to = *from;
                        }
                    }
                });
                blocks[..N * N].fill([0; LANES]);
            }
        }
    }
}

/// Puts the weighted coefficients of a block into a lane.
fn weigh(block: &mut [i16; AREA], weights: &Weights, blocks: &mut Blocks, lane: usize) {
    let to = weights.places.iter().zip(&weights.weights);
    for (value, (&place, &weight)) in block.iter_mut().zip(to) {
        if *value != 0 {
            let to = &mut blocks[usize::from(place)][lane % LANES];
            // Only damaged files overflow here; their colours do not matter.
            *to = to.wrapping_add(i32::from(*value).wrapping_mul(weight));
            *value = 0;
        }
    }
}
