//! From components to pixels: how a file stores its colours, and how samples that several pixels
//! share are spread over them, both like libjpeg.

use image::{GrayImage, RgbImage};

use super::cmyk::Cmyk;
use crate::buffers::Buffers;
use crate::codec::transform::sample;
use crate::error::Error;
use crate::picture::Planes;

/// How a file stores its colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    /// Brightness alone.
    Grey,
    /// Brightness and two components of colour (JFIF).
    YCbCr,
    /// Red, green and blue.
    Rgb,
    /// CMYK, inverted as Adobe writes it: 255 means no ink.
    Cmyk,
    /// The inverse of three inks as `YCbCr`, and black.
    Ycck,
}

/// The statements of a file's application segments on how its colours are stored.
#[derive(Debug, Default)]
pub(super) struct Markers {
    jfif: bool,
    /// Adobe's number of a transform.
    adobe: Option<u8>,
}

/// The samples of a component on the picture.
pub(super) struct Sampled<'a> {
    pub(super) samples: &'a [u8],
    /// The length of a row in samples, including padding that is cut off.
    pub(super) pitch: usize,
    /// The number of samples in each direction, without padding.
    pub(super) size: (usize, usize),
    /// Horizontally, this many samples (first) cover that many pixels (second).
    pub(super) across: (usize, usize),
    /// The same vertically.
    pub(super) down: (usize, usize),
}

impl Markers {
    /// Reads the content of an APP0 or APP14 segment, and ignores others.
    pub(super) fn add(&mut self, content: &[u8]) {
        const JFIF_LENGTH: usize = 14;
        const TRANSFORM: usize = 11;
        if content.starts_with(b"JFIF\0") && content.len() >= JFIF_LENGTH {
            self.jfif = true;
        } else if content.starts_with(b"Adobe") && content.len() > TRANSFORM {
            self.adobe = Some(content[TRANSFORM]);
        }
    }

    /// How the colours of components of these names are stored: JFIF counts first, then Adobe,
    /// then the names.
    pub(super) fn colours(&self, names: &[u8]) -> Colours {
        match (names.len(), self.jfif, self.adobe) {
            (1, ..) => Colours::Grey,
            (4, _, None | Some(0)) => Colours::Cmyk,
            (4, ..) => Colours::Ycck,
            (_, false, Some(0)) => Colours::Rgb,
            (_, false, None) if names == b"RGB" => Colours::Rgb,
            // libjpeg takes transforms that Adobe does not know for this one.
            _ => Colours::YCbCr,
        }
    }
}

impl Colours {
    /// The pixels of components that are stored in this way; those of CMYK by their profile, if
    /// there is one.
    ///
    /// # Errors
    /// `ErrorKind::NoMemory` if the system refuses the memory for it.
    pub(super) fn rgb(
        self,
        components: &[Sampled<'_>],
        (width, height): (usize, usize),
        cmyk: Option<&Cmyk>,
        buffers: &mut Buffers,
    ) -> Result<RgbImage, Error> {
        let mut pixels = buffers.take(width * height * 3)?;
        let mut rows = vec![0; width * components.len()];
        let mut four = vec![[0; 4]; if cmyk.is_some() { width } else { 0 }];
        let mut sums = Vec::with_capacity(width);
        for (y, to) in pixels.chunks_exact_mut(width * 3).enumerate() {
            for (component, row) in components.iter().zip(rows.chunks_exact_mut(width)) {
                component.spread(y, row, &mut sums);
            }
            match cmyk {
                Some(cmyk) => {
                    self.interleave(&rows, width, &mut four);
                    cmyk.convert(four.as_flattened(), to)?;
                }
                None => self.convert(&rows, width, to),
            }
        }
        // Both are sides of a JPEG, at most 65535.
        #[allow(clippy::cast_possible_truncation)]
        Ok(RgbImage::from_raw(width as u32, height as u32, pixels).unwrap_or_default())
    }

    /// Combines a row of each component into a row of CMYK; 255 is all of an ink.
    fn interleave(self, rows: &[u8], width: usize, to: &mut [[u8; 4]]) {
        for (x, to) in to.iter_mut().enumerate() {
            let [one, two, three, black] = [0, 1, 2, 3].map(|row| rows[row * width + x]);
            let [cyan, magenta, yellow] = match self {
                Self::Ycck => ycbcr(one, two, three),
                _ => [255 - one, 255 - two, 255 - three],
            };
            *to = [cyan, magenta, yellow, 255 - black];
        }
    }

    /// Makes a row of pixels from one row of each component.
    fn convert(self, rows: &[u8], width: usize, to: &mut [u8]) {
        let mut rows = rows.chunks_exact(width);
        let mut next = || rows.next().unwrap_or_default();
        let (one, two, three, black) = (next(), next(), next(), next());
        let pixels = to.as_chunks_mut::<3>().0;
        if matches!(self, Self::YCbCr | Self::Ycck) {
            ycbcr_row(one, two, three, pixels);
        } else {
            let colours = one.iter().zip(two.iter().zip(three));
            for (to, (&red, (&green, &blue))) in pixels.iter_mut().zip(colours) {
                *to = [red, green, blue];
            }
        }
        for (to, &black) in to.as_chunks_mut::<3>().0.iter_mut().zip(black) {
            let inverted = self == Self::Ycck;
            *to = to.map(|ink| times(if inverted { 255 - ink } else { ink }, black));
        }
    }
}

/// The pixels of planes.
///
/// # Errors
/// [`NoMemory`](crate::ErrorKind::NoMemory) if the system refuses the memory.
pub(crate) fn rgb_of_planes(planes: &Planes, buffers: &mut Buffers) -> Result<RgbImage, Error> {
    let size = |plane: &GrayImage| (plane.width() as usize, plane.height() as usize);
    let whole = size(&planes.luma);
    let all = [&planes.luma, &planes.chroma[0], &planes.chroma[1]];
    let sampled = all.map(|plane| {
        let (width, height) = size(plane);
        Sampled {
            samples: plane.as_raw(),
            pitch: width,
            size: (width, height),
            across: (1, whole.0.div_ceil(width)),
            down: (1, whole.1.div_ceil(height)),
        }
    });
    Colours::YCbCr.rgb(&sampled, whole, None, buffers)
}

impl Sampled<'_> {
    /// A sample for each pixel of the picture.
    ///
    /// # Errors
    /// [`NoMemory`](crate::ErrorKind::NoMemory) if the system refuses the memory.
    pub(super) fn plane(
        &self,
        (width, height): (usize, usize),
        buffers: &mut Buffers,
    ) -> Result<GrayImage, Error> {
        let mut samples = buffers.take(width * height)?;
        let mut sums = Vec::with_capacity(width);
        for (y, to) in samples.chunks_exact_mut(width).enumerate() {
            self.spread(y, to, &mut sums);
        }
        // Both are sides of a JPEG, at most 65535.
        #[allow(clippy::cast_possible_truncation)]
        Ok(GrayImage::from_raw(width as u32, height as u32, samples).unwrap_or_default())
    }

    /// A row of pixels of the picture.
    ///
    /// If two pixels share a sample, each has three parts of it and one of the sample on its own
    /// side (libjpeg's fancy upsampling, with its rounding); otherwise each has the sample itself.
    fn spread(&self, y: usize, to: &mut [u8], sums: &mut Vec<u16>) {
        /// libjpeg does not smooth narrower rows.
        const NARROW: usize = 2;
        let (width, height) = self.size;
        let row = |y: usize| {
            let begin = y.min(height - 1) * self.pitch;
            &self.samples[begin..begin + width]
        };
        let doubled = |(samples, pixels): (usize, usize)| pixels == 2 * samples;
        let same = |(samples, pixels)| samples == pixels;
        let rows = doubled(self.down) || same(self.down);
        let across = doubled(self.across) && rows && width > NARROW;
        let down = doubled(self.down) && (across || same(self.across));
        let at = y * self.down.0 / self.down.1;
        if !across && !down {
            let row = row(at);
            if same(self.across) {
                to.copy_from_slice(&row[..to.len()]);
                return;
            }
            for (x, to) in to.iter_mut().enumerate() {
                *to = row[(x * self.across.0 / self.across.1).min(width - 1)];
            }
            return;
        }
        sums.resize(width, 0);
        if down {
            let beside = if y.is_multiple_of(2) { at.saturating_sub(1) } else { at + 1 };
            for (to, (&near, &far)) in sums.iter_mut().zip(row(at).iter().zip(row(beside))) {
                *to = 3 * u16::from(near) + u16::from(far);
            }
        } else {
            sums.iter_mut().zip(row(at)).for_each(|(to, &sample)| *to = sample.into());
        }
        // Rounded to the nearest; halves are rounded down and up in turns.
        match (across, down) {
            (true, true) => spread_sums::<4>(sums, to, (8, 7)),
            (true, false) => spread_sums::<2>(sums, to, (1, 2)),
            _ => {
                let half = if y.is_multiple_of(2) { 1 } else { 2 };
                to.iter_mut().zip(&*sums).for_each(|(to, &sum)| *to = byte((sum + half) >> 2));
            }
        }
    }
}

/// Makes two pixels of each sum. `first` and `second` are added before the last `BITS` bits are
/// dropped, so they decide how each pixel is rounded.
fn spread_sums<const BITS: u32>(sums: &[u16], to: &mut [u8], (first, second): (u16, u16)) {
    let two = |left: u16, sum: u16, right: u16| {
        [byte((3 * sum + left + first) >> BITS), byte((3 * sum + right + second) >> BITS)]
    };
    let ([begin, after, ..], [.., before, last]) = (sums, sums) else { return };
    let (pairs, odd) = to.as_chunks_mut::<2>();
    for (to, sums) in pairs.iter_mut().skip(1).zip(sums.windows(3)) {
        *to = two(sums[0], sums[1], sums[2]);
    }
    if let Some(to) = pairs.first_mut() {
        *to = two(*begin, *begin, *after);
    }
    // An odd row ends with the first of two pixels.
    let end = two(*before, *last, *last);
    match odd {
        [odd] => *odd = end[0],
        _ => pairs.iter_mut().skip(sums.len() - 1).for_each(|to| *to = end),
    }
}

/// Converts a row in runs, which the compiler turns into vector instructions.
fn ycbcr_row(luma: &[u8], blue: &[u8], red: &[u8], to: &mut [[u8; 3]]) {
    const RUN: usize = 16;
    let runs = luma.as_chunks::<RUN>().0.iter().zip(blue.as_chunks::<RUN>().0);
    for (to, ((luma, blue), red)) in
        to.as_chunks_mut::<RUN>().0.iter_mut().zip(runs.zip(red.as_chunks::<RUN>().0))
    {
        let mut colours = [[0; RUN]; 3];
        let [reds, greens, blues] = &mut colours;
        for at in 0..RUN {
            [reds[at], greens[at], blues[at]] = ycbcr(luma[at], blue[at], red[at]);
        }
        for (at, to) in to.iter_mut().enumerate() {
            *to = colours.map(|colour| colour[at]);
        }
    }
    let done = to.len() / RUN * RUN;
    for (at, to) in to.iter_mut().enumerate().skip(done) {
        *to = ycbcr(luma[at], blue[at], red[at]);
    }
}

/// By JFIF's matrix (ITU-T T.871, 7).
#[inline]
fn ycbcr(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (luma, blue, red) = (f32::from(luma), f32::from(blue) - 128.0, f32::from(red) - 128.0);
    [luma + 1.402 * red, luma - 0.344_136 * blue - 0.714_136 * red, luma + 1.772 * blue].map(sample)
}

/// `one * other / 255`, rounded to the nearest.
fn times(one: u8, other: u8) -> u8 {
    let product = u16::from(one) * u16::from(other) + 128;
    byte((product + (product >> 8)) >> 8)
}

/// The low byte of a value that is at most 255.
#[inline]
fn byte(value: u16) -> u8 {
    #[allow(clippy::cast_possible_truncation)]
    let byte = value as u8;
    byte
}
