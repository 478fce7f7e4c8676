//! JPEG files of kinds that encoders rarely write.

// Sizes, coefficients and colours in tests are small.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

mod kinds;

use std::array;
use std::f32::consts::{FRAC_1_SQRT_2, PI};
use std::sync::LazyLock;

use image::{DynamicImage, RgbImage};

pub use self::kinds::kinds;
use crate::codec::huffman::standard;
use crate::codec::transform::ZIGZAG;

/// How a file is written. The default is 4:2:0, JFIF, with one scan.
#[derive(Clone)]
pub struct RareJpeg {
    pub sof: u8,
    /// For each component, how many of its blocks are side by side in a unit, and one above the
    /// other.
    pub factors: Vec<(usize, usize)>,
    pub names: Vec<u8>,
    pub colours: Colours,
    /// The segments before the frame: each marker with its content.
    pub segments: Vec<(u8, Vec<u8>)>,
    /// The components of each scan, and of a progressive picture its coefficients.
    pub scans: Vec<(Vec<usize>, (usize, usize))>,
    /// The restart interval in units; 0 means no restarts.
    pub restart: usize,
    /// The restart markers that are left out, counted over the file.
    pub lost: Vec<usize>,
    /// Whether quantisation tables have numbers of two bytes.
    pub deep: bool,
    pub quantisation: bool,
    pub codes: bool,
}

/// How colours are stored.
#[derive(Clone, Copy, PartialEq)]
pub enum Colours {
    Grey,
    YCbCr,
    Rgb,
    Cmyk,
    Ycck,
}

/// The amount of black in CMYK pictures: at 255 they do not have any.
pub const BLACK: u8 = 200;

/// The divisor of coefficients.
const DIVISOR: u8 = 3;

pub fn jfif() -> (u8, Vec<u8>) {
    (0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec())
}

pub fn adobe(transform: u8) -> (u8, Vec<u8>) {
    (0xEE, [b"Adobe\0\x64\0\0\0\0", &[transform][..]].concat())
}

impl Default for RareJpeg {
    fn default() -> Self {
        Self {
            sof: 0xC0,
            factors: vec![(2, 2), (1, 1), (1, 1)],
            names: vec![1, 2, 3, 4],
            colours: Colours::YCbCr,
            segments: vec![jfif()],
            scans: vec![(vec![0, 1, 2], (0, 63))],
            restart: 0,
            lost: Vec::new(),
            deep: false,
            quantisation: true,
            codes: true,
        }
    }
}

impl RareJpeg {
    pub fn write(&self, picture: &DynamicImage) -> Vec<u8> {
        let picture = picture.to_rgb8();
        let mut file = vec![0xFF, 0xD8];
        let mut segment = |marker: u8, content: &[u8]| {
            file.extend([0xFF, marker]);
            file.extend((content.len() as u16 + 2).to_be_bytes());
            file.extend(content);
        };
        for (marker, content) in &self.segments {
            segment(*marker, content);
        }
        if self.quantisation && self.deep {
            segment(0xDB, &[&[0x10][..], &[0, DIVISOR].repeat(64)].concat());
        } else if self.quantisation {
            segment(0xDB, &[&[0][..], &[DIVISOR; 64]].concat());
        }
        let [[h0, h1], [w0, w1]] =
            [picture.height(), picture.width()].map(|side| (side as u16).to_be_bytes());
        let mut frame = vec![8, h0, h1, w0, w1, self.factors.len() as u8];
        for (name, (across, down)) in self.names.iter().zip(&self.factors) {
            frame.extend([*name, (across << 4 | down) as u8, 0]);
        }
        segment(self.sof, &frame);
        if self.codes {
            for (class, (counts, values)) in
                [(0x00, standard::LUMA_FIRST), (0x10, standard::LUMA_OTHERS)]
            {
                segment(0xC4, &[&[class][..], counts, values].concat());
            }
        }
        segment(0xDD, &(self.restart as u16).to_be_bytes());
        let planes = self.planes(&picture);
        let mut restarts = 0;
        for (members, (from, to)) in &self.scans {
            let mut head = vec![members.len() as u8];
            head.extend(members.iter().flat_map(|&member| [self.names[member], 0]));
            head.extend([*from as u8, *to as u8, 0]);
            file.extend([0xFF, 0xDA]);
            file.extend((head.len() as u16 + 2).to_be_bytes());
            file.extend(head);
            self.scan(&planes, members, (*from, *to), &mut restarts, &mut file);
        }
        file.extend([0xFF, 0xD9]);
        file
    }

    fn unit(&self) -> (usize, usize) {
        let most = |of: fn(&(usize, usize)) -> usize| self.factors.iter().map(of).max().unwrap();
        (most(|it| it.0), most(|it| it.1))
    }

    fn scan(
        &self,
        planes: &[Plane],
        members: &[usize],
        (from, to): (usize, usize),
        restarts: &mut usize,
        file: &mut Vec<u8>,
    ) {
        let mut bits = Bits { file, word: 0, count: 0 };
        let (across, down) = match members {
            [alone] => planes[*alone].blocks,
            _ => planes[0].units,
        };
        let mut predicted = [0; 4];
        for unit in 0..across * down {
            if self.restart > 0 && unit > 0 && unit % self.restart == 0 {
                bits.end();
                let number = unit / self.restart - 1;
                if !self.lost.contains(restarts) {
                    bits.file.extend([0xFF, 0xD0 + (number % 8) as u8]);
                }
                *restarts += 1;
                predicted = [0; 4];
            }
            for &member in members {
                let (wide, high) = if members.len() == 1 { (1, 1) } else { self.factors[member] };
                for at in 0..wide * high {
                    let (x, y) =
                        (unit % across * wide + at % wide, unit / across * high + at / wide);
                    bits.block(&planes[member].block(x, y), (from, to), &mut predicted[member]);
                }
            }
        }
        bits.end();
    }

    fn planes(&self, picture: &RgbImage) -> Vec<Plane> {
        let (most_across, most_down) = self.unit();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let units = (width.div_ceil(8 * most_across), height.div_ceil(8 * most_down));
        let planes = self.factors.iter().enumerate().map(|(at, &(across, down))| {
            let pitch = units.0 * across * 8;
            let rows = units.1 * down * 8;
            // The mean of the pixels that share a sample; the last pixel is repeated beyond the
            // edge.
            let (wide, high) = (most_across / across, most_down / down);
            let sample = |place: usize| {
                let (x, y) = (place % pitch * wide, place / pitch * high);
                let pixels = (0..wide * high).map(|it| (x + it % wide, y + it / wide));
                let values = pixels.map(|(x, y)| {
                    let (x, y) = (x.min(width - 1) as u32, y.min(height - 1) as u32);
                    self.stored(picture.get_pixel(x, y).0, at)
                });
                values.sum::<f32>() / (wide * high) as f32
            };
            let blocks = (
                (width * across).div_ceil(8 * most_across),
                (height * down).div_ceil(8 * most_down),
            );
            Plane { samples: (0..pitch * rows).map(sample).collect(), pitch, blocks, units }
        });
        planes.collect()
    }

    /// A component's value for a pixel.
    fn stored(&self, pixel: [u8; 3], component: usize) -> f32 {
        let inverted = pixel.map(|channel| 255 - channel);
        match (self.colours, component) {
            (Colours::Grey | Colours::YCbCr, _) => ycbcr(pixel)[component],
            (Colours::Cmyk | Colours::Ycck, 3) => BLACK.into(),
            (Colours::Rgb | Colours::Cmyk, _) => pixel[component].into(),
            (Colours::Ycck, _) => ycbcr(inverted)[component],
        }
    }
}

fn ycbcr(pixel: [u8; 3]) -> [f32; 3] {
    let [r, g, b] = pixel.map(f32::from);
    let luma = 0.299 * r + 0.587 * g + 0.114 * b;
    [luma, (b - luma) / 1.772 + 128.0, (r - luma) / 1.402 + 128.0]
}

/// The value of each frequency at each position.
static COSINES: LazyLock<[[f32; 8]; 8]> = LazyLock::new(|| {
    array::from_fn(|at| {
        array::from_fn(|frequency| {
            let scale = if frequency == 0 { FRAC_1_SQRT_2 } else { 1.0 };
            scale / 2.0 * ((2 * at + 1) as f32 * frequency as f32 * PI / 16.0).cos()
        })
    })
});

struct Plane {
    samples: Vec<f32>,
    pitch: usize,
    blocks: (usize, usize),
    units: (usize, usize),
}

impl Plane {
    /// The coefficients of a block, in the file's order.
    fn block(&self, x: usize, y: usize) -> [i32; 64] {
        ZIGZAG.map(|place| {
            let (down, across) = (usize::from(place) / 8, usize::from(place) % 8);
            let values = (0..64).map(|at| {
                let sample = self.samples[(y * 8 + at / 8) * self.pitch + x * 8 + at % 8] - 128.0;
                sample * COSINES[at / 8][down] * COSINES[at % 8][across]
            });
            (values.sum::<f32>() / f32::from(DIVISOR)).round() as i32
        })
    }
}

/// Bits at the end of a file.
struct Bits<'a> {
    file: &'a mut Vec<u8>,
    word: u32,
    count: u32,
}

impl Bits<'_> {
    fn block(&mut self, block: &[i32; 64], (from, to): (usize, usize), predicted: &mut i32) {
        if from == 0 {
            self.value(standard::LUMA_FIRST, 0, block[0] - *predicted);
            *predicted = block[0];
        }
        let mut zeros = 0;
        for &value in &block[from.max(1)..=to] {
            if value == 0 {
                zeros += 1;
                continue;
            }
            (0..zeros / 16).for_each(|_| self.symbol(standard::LUMA_OTHERS, 0xF0));
            self.value(standard::LUMA_OTHERS, zeros % 16, value);
            zeros = 0;
        }
        if zeros > 0 {
            self.symbol(standard::LUMA_OTHERS, 0);
        }
    }

    /// A value and the number of zeros before it.
    fn value(&mut self, table: standard::Table, zeros: u8, value: i32) {
        let size = 32 - value.unsigned_abs().leading_zeros();
        self.symbol(table, zeros << 4 | size as u8);
        let bits = if value < 0 { value - 1 } else { value };
        self.put(bits.cast_unsigned() & ((1 << size) - 1), size);
    }

    fn symbol(&mut self, (counts, values): standard::Table, symbol: u8) {
        let place = values.iter().position(|&value| value == symbol).unwrap();
        let (mut code, mut first) = (0, 0);
        for (length, &count) in (1..).zip(counts) {
            if place < first + usize::from(count) {
                return self.put(code + (place - first) as u32, length);
            }
            first += usize::from(count);
            code = (code + u32::from(count)) << 1;
        }
    }

    fn put(&mut self, bits: u32, count: u32) {
        self.word = self.word << count | bits;
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.word >> self.count) as u8;
            self.file.push(byte);
            if byte == 0xFF {
                self.file.push(0);
            }
        }
    }

    /// Fills the last byte with ones.
    fn end(&mut self) {
        if self.count > 0 {
            self.put((1 << (8 - self.count)) - 1, 8 - self.count);
        }
    }
}
