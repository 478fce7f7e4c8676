//! `"phash"`: a hash that similar pictures share.

use serde::Deserialize;

use super::about::{About, Group, Kind};
use crate::error::Error;
use crate::resize::resized_by_lanczos;
use crate::shades::brightness;
use crate::workpiece::Workpiece;

/// Takes no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Phash;

impl Kind for Phash {
    const ABOUT: About = About {
        name: "phash",
        group: Group::Answer,
        summary: "`phash`: a perceptual hash, 16 hexadecimal digits",
        details: "Hashes of pictures that look alike differ in few of their 64 bits: with a difference of at most some 10 bits they are probably the same picture. It equals `imagehash.phash` of Python's ImageHash.",
        examples: &["\"phash\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let grey = brightness(&piece.picture, piece.buffers)?;
        let small = resized_by_lanczos(&grey.into(), (SIDE, SIDE), piece.buffers)?;
        let hash = hash(small.as_bytes());
        piece.fields.insert("phash".into(), format!("{hash:016x}").into());
        Ok(())
    }
}

/// The side of the small picture, and of the part of its transform that counts.
const SIDE: u32 = 32;
const LOW: u32 = 8;

/// The hash has a bit for each of the lowest frequencies: whether it is above their median.
fn hash(grey: &[u8]) -> u64 {
    // scipy's unscaled cosine transform of the second kind.
    let wave = |frequency: u32, at: u32| {
        let angle = f64::from(frequency) * (2.0 * f64::from(at) + 1.0) / f64::from(2 * SIDE);
        2.0 * (angle * std::f64::consts::PI).cos()
    };
    let waves: Vec<Vec<f64>> =
        (0..LOW).map(|frequency| (0..SIDE).map(|at| wave(frequency, at)).collect()).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let rows = grey.chunks_exact(SIDE as usize);
    let rows: Vec<Vec<f64>> = rows.map(|row| row.iter().map(|&s| f64::from(s)).collect()).collect();
    let mut low = Vec::with_capacity((LOW * LOW) as usize);
    for down in &waves {
        for across in &waves {
            let column: Vec<f64> = rows.iter().map(|row| dot(row, across)).collect();
            low.push(dot(&column, down));
        }
    }
    let mut sorted = low.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = f64::midpoint(sorted[middle - 1], sorted[middle]);
    low.iter().fold(0, |hash, &frequency| hash << 1 | u64::from(frequency > median))
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};

    use super::*;
    use crate::buffers::Buffers;

    // Computed with Python's ImageHash 4.3.2, which resizes with Pillow.
    #[test]
    fn hashes_are_those_of_the_reference() {
        let table = [
            ((32, 32), 0x831d_a76c_7b52_5455_u64, 0),
            // Where frequencies are close to their median, the rounding of the resizing decides.
            ((64, 48), 0xe600_07ac_a95a_5ddf, 2),
            ((200, 100), 0xfdb4_f700_0075_de51, 2),
        ];
        for ((width, height), expected, differ) in table {
            let picture = GrayImage::from_fn(width, height, |x, y| {
                let shade = (x * 7 + y * 5 + x * y / 9) % 256;
                Luma([u8::try_from(shade).unwrap()])
            });
            let small = resized_by_lanczos(&picture.into(), (SIDE, SIDE), &mut Buffers::default());
            let small = small.unwrap();
            let hash = hash(small.as_bytes());
            let bits = (hash ^ expected).count_ones();
            assert!(bits <= differ, "{width} × {height}: {hash:016x}, {bits} bits");
        }
    }
}
