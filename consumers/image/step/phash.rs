//! `"phash"`: a hash that alike pictures share.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind};
use crate::image::colour::grayscale;
use crate::image::resize::resized_by_lanczos;
use crate::image::work::Work;

/// Takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Phash;

impl Kind for Phash {
    const ABOUT: About = About {
        name: "phash",
        group: Group::Answer,
        summary: "`phash`: a perceptual hash, 16 hexadecimal digits",
        details: "Pictures that look alike have hashes that differ in few of their 64 bits; up to some 10 are probably the same picture. As `imagehash.phash` of Python's ImageHash has it.",
        examples: &["\"phash\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let grey = grayscale(work.picture.clone()).into_luma8();
        let small = resized_by_lanczos(&grey.into(), (SIDE, SIDE))?;
        let hash = hash(small.as_bytes());
        work.fields.insert("phash".into(), format!("{hash:016x}").into());
        Ok(())
    }
}

/// The side of the small picture, and of the part of its transform that counts.
const SIDE: u32 = 32;
const LOW: u32 = 8;

/// A bit for each of the lowest frequencies: whether it is above their median.
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
