//! Where in a picture most is to be seen, for a cut that keeps it.
//!
//! After smartcrop.js (Jonas Wagner): edges, strong colours and skin count, on a small version of
//! the picture; and what lies near the middle of the cut counts more than what touches its edge.

// Of pictures of at most 128 pixels a side; nothing is lost.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use image::{DynamicImage, RgbImage};
use waterway::Error;

use crate::image::pixels::luma;
use crate::image::resize::thumbnail;

/// The longest side of the version that is looked at.
const SIDE: u32 = 128;

/// How much is to be seen, column by column and row by row.
pub(super) struct Focus {
    columns: Vec<f32>,
    rows: Vec<f32>,
}

impl Focus {
    pub(super) fn of(picture: &DynamicImage) -> Result<Self, Error> {
        let small = thumbnail(picture, SIDE)?.to_rgba8();
        let (width, height) = small.dimensions();
        let mut columns = vec![0.0; width as usize];
        let mut rows = vec![0.0; height as usize];
        // What shines through counts as what lies behind it: nothing.
        let seen = RgbImage::from_fn(width, height, |x, y| {
            let [r, g, b, alpha] = small.get_pixel(x, y).0;
            image::Rgb([r, g, b].map(|c| crate::image::pixels::times(c, alpha)))
        });
        let grey = |x: i64, y: i64| {
            let (x, y) = (x.clamp(0, i64::from(width) - 1), y.clamp(0, i64::from(height) - 1));
            f32::from(luma(seen.get_pixel(x as u32, y as u32).0))
        };
        for (x, y, pixel) in seen.enumerate_pixels() {
            let (column, row) = (i64::from(x), i64::from(y));
            let around = grey(column - 1, row)
                + grey(column + 1, row)
                + grey(column, row - 1)
                + grey(column, row + 1);
            let edge = (4.0 * grey(column, row) - around).abs() / 255.0;
            let weight = edge + 0.3 * colourfulness(pixel.0) + 0.6 * skin(pixel.0);
            columns[x as usize] += weight;
            rows[y as usize] += weight;
        }
        Ok(Self { columns, rows })
    }

    /// How much of what a cut of this size leaves over should lie before it, across and down.
    pub(super) fn before(&self, from: (u32, u32), cut: (f64, f64)) -> (f64, f64) {
        let across = best(&self.columns, cut.0 / f64::from(from.0));
        let down = best(&self.rows, cut.1 / f64::from(from.1));
        (across, down)
    }
}

/// Where a window of this part of a row of weights holds most: 0 at its beginning, 1 at its end.
fn best(weights: &[f32], part: f64) -> f64 {
    let length = ((weights.len() as f64 * part).round() as usize).clamp(1, weights.len());
    let places = weights.len() - length;
    if places == 0 {
        return 0.5;
    }
    // A hill over the window: what touches its edge counts half.
    let hill = |at: usize| {
        let off = (2.0 * (at as f32 + 0.5) / length as f32 - 1.0).abs();
        1.0 - 0.5 * off * off
    };
    let score = |place: usize| -> f32 {
        let window = &weights[place..place + length];
        window.iter().enumerate().map(|(at, weight)| weight * hill(at)).sum()
    };
    // Of equals the one nearest the middle.
    let off_middle = |place: usize| (2 * place).abs_diff(places);
    let place = (0..=places)
        .max_by(|&a, &b| score(a).total_cmp(&score(b)).then(off_middle(b).cmp(&off_middle(a))))
        .unwrap_or_default();
    place as f64 / places as f64
}

/// 0 to 1, and nothing in what is nearly black or white.
fn colourfulness([r, g, b]: [u8; 3]) -> f32 {
    let (most, least) = (f32::from(r.max(g).max(b)), f32::from(r.min(g).min(b)));
    let light = f32::midpoint(most, least) / 255.0;
    if most > 0.0 && (0.05..=0.9).contains(&light) { (most - least) / most } else { 0.0 }
}

/// How near a colour is to skin's, whose proportions are alike whatever its shade.
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
