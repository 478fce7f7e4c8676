//! Makes single planes larger, which JPEGs are made of.
//!
//! A sample of a larger picture is made of four neighbours each way whatever the factor, so both
//! passes are short sums: along the rows with the places and weights worked out once for all of
//! them, down the columns over whole rows at a time. Catmull-Rom's weights, as everywhere here.

use image::GrayImage;

use super::geometry::Rect;
use super::scratch;

/// How many neighbours make a sample.
const TAPS: usize = 4;
/// Weights are whole numbers whose sum is 1 << BITS. None is above 9/8 of it in sum with another,
/// none below -1/8.
const BITS: u32 = 7;

/// The middle of a sample's range.
const MIDDLE: i16 = 128;

/// What a sample is made of: the first of four neighbours and their weights.
#[derive(Clone, Copy)]
struct Tap {
    first: usize,
    weights: [i16; TAPS],
}

/// A rectangle of a plane in a size that is not smaller, either way.
pub(super) fn enlarge(plane: &GrayImage, source: &Rect, (width, height): (u32, u32)) -> GrayImage {
    let columns = taps(source.left, source.width, plane.width(), width);
    let rows = taps(source.top, source.height, plane.height(), height);
    let across = plane.width() as usize;
    let mut row = Row::new(across);
    let mut widened = scratch::take(width as usize * plane.height() as usize);
    let from = plane.as_raw().chunks_exact(across);
    for (to, from) in widened.chunks_exact_mut(width as usize).zip(from) {
        widen(row.with(from), &columns, to);
    }
    let mut enlarged = scratch::take(width as usize * height as usize);
    for (to, tap) in enlarged.chunks_exact_mut(width as usize).zip(&rows) {
        let row = |at: usize| {
            // The four go from two above the first row to two below the last.
            let at = (tap.first + at).saturating_sub(Row::MARGIN).min(plane.height() as usize - 1);
            &widened[at * width as usize..][..width as usize]
        };
        mix([row(0), row(1), row(2), row(3)], tap.weights, to);
    }
    scratch::give(widened);
    GrayImage::from_raw(width, height, enlarged).unwrap_or_default()
}

/// A row with its first and its last sample repeated, so that every sample has its neighbours.
struct Row(Vec<u8>);

impl Row {
    const MARGIN: usize = 2;

    fn new(length: usize) -> Self {
        Self(vec![0; length + 2 * Self::MARGIN])
    }

    fn with(&mut self, row: &[u8]) -> &[u8] {
        let (Some(&first), Some(&last)) = (row.first(), row.last()) else { return &self.0 };
        self.0[..Self::MARGIN].fill(first);
        self.0[Self::MARGIN..Self::MARGIN + row.len()].copy_from_slice(row);
        self.0[Self::MARGIN + row.len()..].fill(last);
        &self.0
    }
}

fn widen(from: &[u8], taps: &[Tap], to: &mut [u8]) {
    for (to, tap) in to.iter_mut().zip(taps) {
        let Some(samples) = from[tap.first..].first_chunk::<TAPS>() else { continue };
        let pairs = samples.iter().zip(tap.weights);
        let sum: i32 = pairs.map(|(&sample, weight)| i32::from(sample) * i32::from(weight)).sum();
        *to = byte((sum + (1 << (BITS - 1))) >> BITS);
    }
}

fn mix(rows: [&[u8]; TAPS], weights: [i16; TAPS], to: &mut [u8]) {
    let [a, b, c, d] = rows.map(|row| &row[..to.len()]);
    let [wa, wb, wc, wd] = weights;
    for x in 0..to.len() {
        // As distances from the middle, so that any sum of products fits into 16 bits.
        let product = |sample: u8, weight: i16| (i16::from(sample) - MIDDLE).wrapping_mul(weight);
        let outer = product(a[x], wa).wrapping_add(product(d[x], wd));
        let inner = product(b[x], wb).wrapping_add(product(c[x], wc));
        let sum = inner.wrapping_add(outer).wrapping_add(1 << (BITS - 1));
        to[x] = byte(i32::from((sum >> BITS) + MIDDLE));
    }
}

fn byte(value: i32) -> u8 {
    // Clamped before.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let byte = value.clamp(0, 255) as u8;
    byte
}

/// For each sample of a side that is made larger.
fn taps(from: f64, length: f64, whole: u32, to: u32) -> Vec<Tap> {
    let step = length / f64::from(to);
    let tap = |at: u32| {
        // Samples are the middles of their pixels.
        let middle = (from + (f64::from(at) + 0.5) * step - 0.5).clamp(-1.0, f64::from(whole));
        let part = middle - middle.floor();
        // From -1 on, so that it is not negative with the margin.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let first = (middle.floor() + 1.0) as usize;
        Tap { first: first.min(whole as usize), weights: weights(part) }
    };
    (0..to).map(tap).collect()
}

/// Catmull-Rom's weights for a place this far behind the second of four neighbours.
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
    // What rounding took or gave belongs to the nearest, so that a plain area stays as it is.
    let rest = (1 << BITS) - weights.iter().sum::<i16>();
    weights[if part < 0.5 { 1 } else { 2 }] += rest;
    weights
}
