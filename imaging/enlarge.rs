//! Enlarges single planes, the parts of JPEGs.
//!
//! Whatever the factor, a sample of an enlarged picture is a sum of four neighbours in each
//! direction, so both passes are short sums. The pass along the rows computes positions and weights
//! once for all rows; the pass down the columns adds whole rows. The weights are Catmull-Rom's, as
//! everywhere in this project.

use image::GrayImage;

use crate::buffers::Buffers;
use crate::error::Error;
use crate::geometry::Rect;
use crate::memory;

/// The number of neighbours that a sample is a sum of.
const TAPS: usize = 4;
/// Weights are whole numbers whose sum is 1 << BITS. No partial sum of weights is above 9/8 of
/// that, and no weight is below -1/8 of it.
const BITS: u32 = 7;

/// The start of a sum of products. Samples count as distances from the middle of their range, so
/// that the sum of any four products fits into 16 bits, even if partial sums overflow. The weights
/// have a constant sum, so the middle is subtracted only once. The added half makes the result
/// rounded.
const BEGIN: i16 = (1 << (BITS - 1)) - (MIDDLE << BITS);
/// The middle of a sample's range.
const MIDDLE: i16 = 128;

/// The neighbours of a sample: the first of four, and their weights.
#[derive(Clone, Copy)]
struct Tap {
    first: usize,
    weights: [i16; TAPS],
}

/// How many rows are processed side by side: one instruction works on a sample of every row.
const LANES: usize = 16;

/// The samples of this many rows at one position.
type Lanes = [u8; LANES];

/// A rectangle of a plane, resized to a size that is not smaller in either direction.
///
/// # Errors
/// `ErrorKind::NoMemory` if the system refuses the memory for it.
pub(crate) fn enlarge(
    plane: &GrayImage,
    source: &Rect,
    (width, height): (u32, u32),
    buffers: &mut Buffers,
) -> Result<GrayImage, Error> {
    let columns = taps(source.left, source.width, plane.width(), width)?;
    let rows = taps(source.top, source.height, plane.height(), height)?;
    let (across, to_across) = (plane.width() as usize, width as usize);
    let mut widened = buffers.take(to_across * plane.height() as usize)?;
    let mut band = memory::reserved(across + 2 * MARGIN)?;
    band.resize(across + 2 * MARGIN, [0; LANES]);
    let mut wide_band = memory::reserved(to_across)?;
    wide_band.resize(to_across, [0; LANES]);
    let from = plane.as_raw().chunks(across * LANES);
    for (to, from) in widened.chunks_mut(to_across * LANES).zip(from) {
        gather(from.chunks_exact(across), &mut band);
        widen(&band, &columns, &mut wide_band);
        scatter(&wide_band, to.chunks_exact_mut(to_across));
    }
    let mut enlarged = buffers.take(to_across * height as usize)?;
    for (to, tap) in enlarged.chunks_exact_mut(to_across).zip(&rows) {
        let row = |at: usize| {
            // The four neighbours reach from two above the first row to two below the last.
            let at = (tap.first + at).saturating_sub(MARGIN).min(plane.height() as usize - 1);
            &widened[at * to_across..][..to_across]
        };
        mix([row(0), row(1), row(2), row(3)], tap.weights, to);
    }
    buffers.give(widened);
    Ok(GrayImage::from_raw(width, height, enlarged).unwrap_or_default())
}

/// How often the first and the last sample are repeated, so that every sample has its neighbours.
const MARGIN: usize = 2;

/// Puts rows side by side.
fn gather<'a>(rows: impl Iterator<Item = &'a [u8]>, band: &mut [Lanes]) {
    for (lane, row) in rows.enumerate().take(LANES) {
        let (Some(&first), Some(&last)) = (row.first(), row.last()) else { continue };
        for (to, &sample) in band[MARGIN..].iter_mut().zip(row) {
            to[lane] = sample;
        }
        band[..MARGIN].iter_mut().for_each(|to| to[lane] = first);
        band[MARGIN + row.len()..].iter_mut().for_each(|to| to[lane] = last);
    }
}

/// The reverse: separates rows that are side by side.
fn scatter<'a>(band: &[Lanes], rows: impl Iterator<Item = &'a mut [u8]>) {
    for (lane, row) in rows.enumerate().take(LANES) {
        for (to, from) in row.iter_mut().zip(band) {
            *to = from[lane];
        }
    }
}

fn widen(from: &[Lanes], taps: &[Tap], to: &mut [Lanes]) {
    for (to, tap) in to.iter_mut().zip(taps) {
        let Some(neighbours) = from[tap.first..].first_chunk::<TAPS>() else { continue };
        let mut sums = [BEGIN; LANES];
        for (lanes, weight) in neighbours.iter().zip(tap.weights) {
            for (sum, &sample) in sums.iter_mut().zip(lanes) {
                *sum = sum.wrapping_add(product(sample, weight));
            }
        }
        *to = sums.map(byte);
    }
}

fn mix(rows: [&[u8]; TAPS], weights: [i16; TAPS], to: &mut [u8]) {
    let [a, b, c, d] = rows.map(|row| &row[..to.len()]);
    let [wa, wb, wc, wd] = weights;
    for x in 0..to.len() {
        let outer = product(a[x], wa).wrapping_add(product(d[x], wd));
        let inner = product(b[x], wb).wrapping_add(product(c[x], wc));
        to[x] = byte(inner.wrapping_add(outer).wrapping_add(BEGIN));
    }
}

fn product(sample: u8, weight: i16) -> i16 {
    i16::from(sample).wrapping_mul(weight)
}

fn byte(sum: i16) -> u8 {
    // The value was clamped before.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let byte = ((sum >> BITS) + MIDDLE).clamp(0, 255) as u8;
    byte
}

/// The taps of each sample of an enlarged side.
fn taps(from: f64, length: f64, whole: u32, to: u32) -> Result<Vec<Tap>, Error> {
    let step = length / f64::from(to);
    let tap = |at: u32| {
        // Samples are at the middle of their pixels.
        let middle = (from + (f64::from(at) + 0.5) * step - 0.5).clamp(-1.0, f64::from(whole));
        let part = middle - middle.floor();
        // At least -1, so it is not negative with the margin.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let first = (middle.floor() + 1.0) as usize;
        Tap { first: first.min(whole as usize), weights: weights(part) }
    };
    let mut taps = memory::reserved(to as usize)?;
    taps.extend((0..to).map(tap));
    Ok(taps)
}

/// Catmull-Rom's weights for a position this far after the second of four neighbours.
fn weights(part: f64) -> [i16; TAPS] {
    let weight = |distance: f64| {
        let x = distance.abs();
        if x < 1.0 {
            1.5 * x * x * x - 2.5 * x * x + 1.0
        } else {
            -0.5 * x * x * x + 2.5 * x * x - 4.0 * x + 2.0
        }
    };
    let exact = [1.0 + part, part, 1.0 - part, 2.0 - part].map(weight);
    // At most 1 << BITS.
    #[allow(clippy::cast_possible_truncation)]
    let mut weights = exact.map(|weight| (weight * f64::from(1 << BITS)).round() as i16);
    // The nearest neighbour gets the rounding error, so that a plain area stays as it is.
    let rest = (1 << BITS) - weights.iter().sum::<i16>();
    weights[if part < 0.5 { 1 } else { 2 }] += rest;
    weights
}
