//! Finds the part of a picture with most to see, for a cut that keeps it.
//!
//! It weighs edges, colours that stand out from the picture's mean (as in Achanta and others, 2009)
//! and skin (as in smartcrop.js), on a small version of the picture. Weights near the middle of the
//! cut count more than those at its edge.

// The pictures have at most 128 pixels a side; the casts lose nothing.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use image::{DynamicImage, RgbImage};

use crate::buffers::Buffers;
use crate::error::Error;
use crate::pixels::luma;
use crate::resize::thumbnail;

/// The longest side of the analysed version.
const SIDE: u32 = 128;

/// The weights, column by column and row by row.
pub(super) struct Focus {
    columns: Vec<f32>,
    rows: Vec<f32>,
}

impl Focus {
    pub(super) fn of(picture: &DynamicImage, buffers: &mut Buffers) -> Result<Self, Error> {
        let small = thumbnail(picture, SIDE, buffers)?.to_rgba8();
        let (width, height) = small.dimensions();
        let mut columns = vec![0.0; width as usize];
        let mut rows = vec![0.0; height as usize];
        // Transparent parts do not count.
        let seen = RgbImage::from_fn(width, height, |x, y| {
            let [r, g, b, alpha] = small.get_pixel(x, y).0;
            image::Rgb([r, g, b].map(|c| crate::pixels::times(c, alpha)))
        });
        let grey = |x: i64, y: i64| {
            let (x, y) = (x.clamp(0, i64::from(width) - 1), y.clamp(0, i64::from(height) - 1));
            f32::from(luma(seen.get_pixel(x as u32, y as u32).0))
        };
        let mean = mean(&seen);
        for (x, y, pixel) in seen.enumerate_pixels() {
            let (column, row) = (i64::from(x), i64::from(y));
            let around = grey(column - 1, row)
                + grey(column + 1, row)
                + grey(column, row - 1)
                + grey(column, row + 1);
            let edge = (4.0 * grey(column, row) - around).abs() / 255.0;
            let weight = edge + 2.0 * distance(pixel.0, mean) + 0.6 * skin(pixel.0);
            columns[x as usize] += weight;
            rows[y as usize] += weight;
        }
        Ok(Self { columns, rows })
    }

    /// Which part of the area that a cut of this size removes should be before it, across and down.
    pub(super) fn before(&self, from: (u32, u32), cut: (f64, f64)) -> (f64, f64) {
        let across = best(&self.columns, cut.0 / f64::from(from.0));
        let down = best(&self.rows, cut.1 / f64::from(from.1));
        (across, down)
    }
}

/// The position of the window with most weight, for a window of this part of a row: 0 at its start,
/// 1 at its end.
fn best(weights: &[f32], part: f64) -> f64 {
    let length = ((weights.len() as f64 * part).round() as usize).clamp(1, weights.len());
    let places = weights.len() - length;
    if places == 0 {
        return 0.5;
    }
    // A hill over the window: weights at its edge count half.
    let hill = |at: usize| {
        let off = (2.0 * (at as f32 + 0.5) / length as f32 - 1.0).abs();
        1.0 - 0.5 * off * off
    };
    let score = |span: usize| -> f32 {
        let window = &weights[span..span + length];
        window.iter().enumerate().map(|(at, weight)| weight * hill(at)).sum()
    };
    // Of equal windows, the one nearest the middle.
    let off_middle = |span: usize| (2 * span).abs_diff(places);
    let span = (0..=places)
        .max_by(|&a, &b| score(a).total_cmp(&score(b)).then(off_middle(b).cmp(&off_middle(a))))
        .unwrap_or_default();
    span as f64 / places as f64
}

fn mean(picture: &RgbImage) -> [f32; 3] {
    let mut sums = [0.0; 3];
    for pixel in picture.pixels() {
        sums.iter_mut().zip(pixel.0).for_each(|(sum, sample)| *sum += f32::from(sample));
    }
    sums.map(|sum| sum / (picture.width() * picture.height()) as f32)
}

/// The squared distance of a colour from the mean, from 0 to 1.
fn distance(pixel: [u8; 3], mean: [f32; 3]) -> f32 {
    let squares = pixel.iter().zip(mean).map(|(&sample, mean)| (f32::from(sample) - mean).powi(2));
    squares.sum::<f32>() / (3.0 * 255.0 * 255.0)
}

/// How near a colour is to skin, whose proportions are alike in every shade.
fn skin([r, g, b]: [u8; 3]) -> f32 {
    const SKIN: [f32; 3] = [0.78, 0.57, 0.44];
    let [r, g, b] = [r, g, b].map(f32::from);
    let length = (r * r + g * g + b * b).sqrt();
    if length < 60.0 {
        return 0.0;
    }
    let [dr, dg, db] =
        [r / length - SKIN[0] / 1.062, g / length - SKIN[1] / 1.062, b / length - SKIN[2] / 1.062];
    let near = 1.0 - (dr * dr + dg * dg + db * db).sqrt();
    ((near - 0.9) * 10.0).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_goes_where_most_is() {
        let mut weights = vec![0.0; 20];
        assert!((best(&weights, 0.5) - 0.5).abs() < 1e-9, "nothing to see: the middle");
        weights[19] = 1.0;
        assert!(best(&weights, 0.5) > 0.5);
        weights[19] = 0.0;
        weights[3] = 1.0;
        assert!(best(&weights, 0.5) < 0.5);
        assert!((best(&weights, 1.0) - 0.5).abs() < 1e-9, "no room: anywhere");
    }
}
