//! A picture rotated by any angle: its size, and its pixels by cubic interpolation.

// Sides are far below the limits of these types, and positions are clamped to the picture before
// use.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use image::DynamicImage;

use crate::error::Error;
use crate::memory;
use crate::pixels::{from_samples, samples};

/// A turn of a picture around its middle.
pub(super) struct Turn {
    from: (u32, u32),
    sine: f64,
    cosine: f64,
}

impl Turn {
    /// Clockwise.
    pub(super) fn new(from: (u32, u32), degrees: f64) -> Self {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        Self { from, sine, cosine }
    }

    /// The size that contains all of it.
    pub(super) fn size(&self) -> (u32, u32) {
        let (width, height) = (f64::from(self.from.0), f64::from(self.from.1));
        let (sine, cosine) = (self.sine.abs(), self.cosine.abs());
        // The rest of a sine that should be 0 must not add a pixel.
        let whole = |length: f64| (length - 1e-6).ceil().max(1.0) as u32;
        (whole(width * cosine + height * sine), whole(width * sine + height * cosine))
    }

    /// The rotated picture. Its colours are weighted by their alpha, and the background is around
    /// it, so that its edges are as smooth as the rest.
    ///
    /// # Errors
    /// `ErrorKind::NoMemory` if the system refuses the memory for it.
    pub(super) fn sample<const N: usize>(
        &self,
        picture: &DynamicImage,
        background: [u8; N],
    ) -> Result<DynamicImage, Error> {
        let (width, height) = self.size();
        let source = Sampled {
            pixels: samples(picture).0.as_chunks::<N>().0,
            width: i64::from(self.from.0),
            height: i64::from(self.from.1),
            background: weighed(background),
        };
        let (middle_x, middle_y) = (f64::from(self.from.0) / 2.0, f64::from(self.from.1) / 2.0);
        let mut turned = memory::reserved(width as usize * height as usize * N)?;
        for row in 0..height {
            let y = f64::from(row) + 0.5 - f64::from(height) / 2.0;
            for column in 0..width {
                let x = f64::from(column) + 0.5 - f64::from(width) / 2.0;
                let from_x = x * self.cosine + y * self.sine + middle_x - 0.5;
                let from_y = -x * self.sine + y * self.cosine + middle_y - 0.5;
                turned.extend_from_slice(&source.at(from_x, from_y));
            }
        }
        Ok(from_samples((width, height), N, turned))
    }
}

struct Sampled<'a, const N: usize> {
    pixels: &'a [[u8; N]],
    width: i64,
    height: i64,
    background: [f32; N],
}

impl<const N: usize> Sampled<'_, N> {
    fn at(&self, x: f64, y: f64) -> [u8; N] {
        let (left, top) = (x.floor() as i64, y.floor() as i64);
        let outside = left < -2 || top < -2 || left > self.width + 1 || top > self.height + 1;
        if outside {
            return unweighed(self.background);
        }
        let across = cubic((x - x.floor()) as f32);
        let down = cubic((y - y.floor()) as f32);
        let mut sum = [0.0; N];
        for (row, by_row) in (top - 1..).zip(down) {
            for (column, by_column) in (left - 1..).zip(across) {
                let pixel = self.pixel(column, row);
                for (sum, sample) in sum.iter_mut().zip(pixel) {
                    *sum += by_row * by_column * sample;
                }
            }
        }
        unweighed(sum)
    }

    fn pixel(&self, column: i64, row: i64) -> [f32; N] {
        if !(0..self.width).contains(&column) || !(0..self.height).contains(&row) {
            return self.background;
        }
        let pixel = self.pixels.get((row * self.width + column) as usize);
        pixel.map_or(self.background, |pixel| weighed(*pixel))
    }
}

/// Colours multiplied by alpha; alpha is the last of an even number of samples.
fn weighed<const N: usize>(pixel: [u8; N]) -> [f32; N] {
    let mut weighed = pixel.map(f32::from);
    if N.is_multiple_of(2) {
        let alpha = weighed[N - 1] / 255.0;
        weighed[..N - 1].iter_mut().for_each(|sample| *sample *= alpha);
    }
    weighed
}

fn unweighed<const N: usize>(mut pixel: [f32; N]) -> [u8; N] {
    if N.is_multiple_of(2) {
        let alpha = pixel[N - 1] / 255.0;
        let by = if alpha > 0.0 { 1.0 / alpha } else { 0.0 };
        pixel[..N - 1].iter_mut().for_each(|sample| *sample *= by);
    }
    pixel.map(|sample| (sample + 0.5).clamp(0.0, 255.0) as u8)
}

/// Catmull-Rom's weights of the four pixels around a position, which is this far after the second.
fn cubic(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        0.5 * (-t3 + 2.0 * t2 - t),
        0.5 * (3.0 * t3 - 5.0 * t2 + 2.0),
        0.5 * (-3.0 * t3 + 4.0 * t2 + t),
        0.5 * (t3 - t2),
    ]
}
