//! A Gaussian blur of 8-bit samples.
//!
//! Two passes, across and down, in 16-bit fixed point, which compilers turn into vector
//! instructions. Only the rows under the kernel are kept in addition to the picture. A wide blur
//! removes all fine detail, so it is made from a smaller picture. So a wider blur costs less, not
//! more.

// Sides and kernels are small, and weights fit into 16 bits by construction.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use image::DynamicImage;

use crate::buffers::Buffers;
use crate::error::Error;
use crate::memory;
use crate::pixels::{from_samples, samples, samples_mut};
use crate::resize::{enlarged_smoothly, shrunk_by_area};

/// The widest blur that is made at the picture's own size, in pixels.
const DIRECT: f64 = 4.0;
/// The least sigma that remains for the smaller picture, in its pixels: enough to hide how it is
/// enlarged.
const LEFT: f64 = 2.0;
/// The fractional bits of a sample in fixed point, between the two passes.
const POINT: u32 = 7;

/// Blurs by a sigma in pixels. Pixels beyond the edge count like the nearest pixel at the edge.
pub(crate) fn blur(
    picture: &mut DynamicImage,
    sigma: f64,
    buffers: &mut Buffers,
) -> Result<(), Error> {
    if sigma <= DIRECT {
        return blur_direct(picture, (sigma, sigma));
    }
    let size = (picture.width(), picture.height());
    let factor = (sigma / LEFT).floor();
    let smaller = |side: u32| (f64::from(side) / factor).ceil().max(1.0) as u32;
    let small = (smaller(size.0), smaller(size.1));
    // Shrinking blurs with a box and enlarging with a spline; their variances are part of the
    // total.
    let left = |from: u32, to: u32| {
        let by = f64::from(from) / f64::from(to);
        let shrinking = (by * by - 1.0) / 12.0;
        let enlarging = by * by / 3.0;
        ((sigma * sigma - shrinking - enlarging).max(0.0) / (by * by)).sqrt()
    };
    let mut blurred = shrunk_by_area(picture, small, buffers)?;
    blur_direct(&mut blurred, (left(size.0, small.0), left(size.1, small.1)))?;
    *picture = enlarged_smoothly(&with_margin(&blurred, 2)?, size, buffers)?;
    Ok(())
}

/// The picture with its edge pixels repeated around it, this many pixels wide.
fn with_margin(picture: &DynamicImage, margin: usize) -> Result<DynamicImage, Error> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (samples, channels) = samples(picture);
    let wide = width + 2 * margin;
    let mut padded = memory::reserved(wide * (height + 2 * margin) * channels)?;
    for row in 0..height + 2 * margin {
        let line = &samples[row.saturating_sub(margin).min(height - 1) * width * channels..];
        for column in 0..wide {
            let at = column.saturating_sub(margin).min(width - 1) * channels;
            padded.extend_from_slice(&line[at..at + channels]);
        }
    }
    Ok(from_samples((wide as u32, (height + 2 * margin) as u32), channels, padded))
}

/// Blurs in place, with one sigma across and one down.
fn blur_direct(picture: &mut DynamicImage, (across, down): (f64, f64)) -> Result<(), Error> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (samples, channels) = samples_mut(picture);
    let row = width * channels;
    if row == 0 {
        return Ok(());
    }
    let (across, down) = (Kernel::new(across), Kernel::new(down));
    let reach = down.reach();
    // Blurred rows, each at its number modulo their count.
    let ring = 2 * reach + 1;
    let zeroed = |length| {
        let mut samples = memory::reserved::<u16>(length)?;
        samples.resize(length, 0);
        Ok::<_, Error>(samples)
    };
    let mut rows = zeroed(ring * row)?;
    let mut padded = zeroed(row + 2 * across.reach() * channels)?;
    let mut next = 0;
    for y in 0..height {
        while next < height && next <= y + reach {
            pad(&samples[next * row..][..row], channels, &mut padded);
            across.along(&padded, channels, &mut rows[next % ring * row..][..row]);
            next += 1;
        }
        let at = |y: usize| &rows[y % ring * row..][..row];
        down.between(
            |off| (at(y.saturating_sub(off)), at((y + off).min(height - 1))),
            &mut samples[y * row..][..row],
        );
    }
    Ok(())
}

/// A row in fixed point, with its first and last pixel repeated on either side.
fn pad(row: &[u8], channels: usize, padded: &mut [u16]) {
    let reach = (padded.len() - row.len()) / 2;
    let fixed = |sample: u8| u16::from(sample) << POINT;
    for (to, from) in padded[reach..].iter_mut().zip(row) {
        *to = fixed(*from);
    }
    let (first, last) = (&row[..channels], &row[row.len() - channels..]);
    for (to, from) in padded[..reach].iter_mut().zip(first.iter().cycle()) {
        *to = fixed(*from);
    }
    for (to, from) in padded[reach + row.len()..].iter_mut().zip(last.iter().cycle()) {
        *to = fixed(*from);
    }
}

/// One half of a symmetric kernel, from its middle outwards, in 65536ths. The middle's weight is
/// halved, since it counts from both sides.
struct Kernel(Vec<u16>);

/// Samples that are summed together, so that the sums stay in registers.
const LANES: usize = 32;

impl Kernel {
    fn new(sigma: f64) -> Self {
        if sigma < 0.05 {
            return Self(vec![32_768]);
        }
        // Three sigmas contain all but 0.3 %, which is spread over the rest.
        let reach = (3.0 * sigma).ceil();
        let weight = |off: f64| (-off * off / (2.0 * sigma * sigma)).exp();
        let offsets = (0..=reach as u32).map(f64::from);
        let half: Vec<f64> = offsets.map(weight).collect();
        let whole = half[0] + 2.0 * half[1..].iter().sum::<f64>();
        let mut weights: Vec<u16> =
            half.iter().map(|weight| (weight / whole * 65536.0).round() as u16).collect();
        // The middle makes the sum exact, so that a plain picture does not change.
        let sides: u32 = weights[1..].iter().map(|&weight| 2 * u32::from(weight)).sum();
        weights[0] = ((65_536 - sides.min(65_536)) / 2) as u16;
        Self(weights)
    }

    fn reach(&self) -> usize {
        self.0.len() - 1
    }

    /// Sums along a padded row; `step` samples are one pixel.
    fn along(&self, padded: &[u16], step: usize, to: &mut [u16]) {
        let middle = self.reach() * step;
        let length = to.len();
        self.sum(
            length,
            |off| {
                let off = off * step;
                (&padded[middle - off..][..length], &padded[middle + off..][..length])
            },
            |at, sums| to[at..at + sums.len()].copy_from_slice(sums),
        );
    }

    /// Sums the rows on either side.
    fn between<'a>(&self, rows: impl Fn(usize) -> (&'a [u16], &'a [u16]), to: &mut [u8]) {
        self.sum(to.len(), rows, |at, sums| {
            for (to, sum) in to[at..].iter_mut().zip(sums) {
                *to = ((u32::from(*sum) + (1 << (POINT - 1))) >> POINT).min(255) as u8;
            }
        });
    }

    /// Sums weighted pairs. Each product loses half a unit of fixed point on average, which is
    /// added at the beginning.
    fn sum<'a>(
        &self,
        length: usize,
        pairs: impl Fn(usize) -> (&'a [u16], &'a [u16]),
        mut take: impl FnMut(usize, &[u16]),
    ) {
        let lost = (self.0.len() / 2) as u16;
        let pairs: Vec<_> = self.0.iter().enumerate().map(|(off, &w)| (pairs(off), w)).collect();
        let mut at = 0;
        while at + LANES <= length {
            let mut sums = [lost; LANES];
            for ((before, behind), weight) in &pairs {
                let before: &[u16; LANES] = before[at..].first_chunk().unwrap_or(&[0; LANES]);
                let behind: &[u16; LANES] = behind[at..].first_chunk().unwrap_or(&[0; LANES]);
                for lane in 0..LANES {
                    sums[lane] += product(before[lane] + behind[lane], *weight);
                }
            }
            take(at, &sums);
            at += LANES;
        }
        let mut rest = [lost; LANES];
        for ((before, behind), weight) in &pairs {
            for (sum, (a, b)) in rest.iter_mut().zip(before[at..].iter().zip(&behind[at..])) {
                *sum += product(a + b, *weight);
            }
        }
        take(at, &rest[..length - at]);
    }
}

fn product(pair: u16, weight: u16) -> u16 {
    ((u32::from(pair) * u32::from(weight)) >> 16) as u16
}
