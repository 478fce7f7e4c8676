//! `{ palette = 5 }`: the colours that represent the picture.

// These types can hold all counts of pixels and means of samples.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::error::Error;
use crate::shades;
use crate::workpiece::Workpiece;

/// The number of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub(super) struct Palette(usize);

const COLOURS: Shape = Shape::Whole(1, 32);

impl TryFrom<i64> for Palette {
    type Error = String;

    fn try_from(colours: i64) -> Result<Self, String> {
        let colours = COLOURS.whole("palette", colours)?;
        Ok(Self(usize::try_from(colours).unwrap_or(1)))
    }
}

impl Kind for Palette {
    const ABOUT: About = About {
        name: "palette",
        group: Group::Answer,
        takes: Takes::Value,
        summary: "`palette`: the main colours, the most frequent first",
        details: "The value is their number, 1 to 32. They are written `#rrggbb`, and there are fewer if the picture has fewer. Pixels that are more than half transparent do not count.",
        examples: &["{ palette = 5 }"],
        value: Some(COLOURS),
        ..About::PLAIN
    };

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let colours: Vec<Shade> = shades(&piece.picture);
        let palette = refine(cut(&colours, self.0), &colours);
        let palette = piece.shown(palette.iter().map(|shade| to_colour(shade.mean)).collect());
        let names: Vec<String> = palette.into_iter().map(shades::hex).collect();
        piece.fields.insert("palette".into(), names.into());
        Ok(())
    }
}

/// A group of colours: their mean, and the number of their pixels.
#[derive(Debug, Clone, Copy)]
struct Shade {
    mean: [f32; 3],
    pixels: f32,
}

/// The picture's colours, in 32768 groups.
fn shades(picture: &image::DynamicImage) -> Vec<Shade> {
    let mut sums = vec![([0_u64; 3], 0_u64); 1 << 15];
    shades::for_each_opaque(picture, |pixel @ [r, g, b]| {
        let bits = |channel: u8| usize::from(channel >> 3);
        let (sum, pixels) = &mut sums[bits(r) << 10 | bits(g) << 5 | bits(b)];
        *pixels += 1;
        for (sum, sample) in sum.iter_mut().zip(pixel) {
            *sum += u64::from(sample);
        }
    });
    let shade = |(sum, pixels): &([u64; 3], u64)| Shade {
        mean: sum.map(|sum| sum as f32 / *pixels as f32),
        pixels: *pixels as f32,
    };
    sums.iter().filter(|(_, pixels)| *pixels > 0).map(shade).collect()
}

/// Splits the colours where they vary most, again and again.
fn cut(colours: &[Shade], count: usize) -> Vec<Shade> {
    let mut groups = vec![colours.to_vec()];
    while groups.len() < count {
        let spread = |group: &Vec<Shade>| variances(group).iter().sum::<f32>();
        let widest =
            (0..groups.len()).max_by(|&a, &b| spread(&groups[a]).total_cmp(&spread(&groups[b])));
        let Some(group) = widest.map(|widest| groups.swap_remove(widest)) else { break };
        let variances = variances(&group);
        let axis = (0..3).max_by(|&a, &b| variances[a].total_cmp(&variances[b])).unwrap_or(0);
        if variances[axis] <= 0.0 {
            groups.push(group);
            break;
        }
        let middle = mean(&group).mean[axis];
        let (low, high): (Vec<_>, Vec<_>) =
            group.iter().copied().partition(|shade| shade.mean[axis] < middle);
        if low.is_empty() || high.is_empty() {
            groups.push(group);
            break;
        }
        groups.push(low);
        groups.push(high);
    }
    groups.iter().filter(|group| !group.is_empty()).map(|group| mean(group)).collect()
}

/// Moves each colour to the middle of its nearest colours, a few times (Lloyd), and sorts the
/// palette, the most frequent first.
fn refine(mut palette: Vec<Shade>, colours: &[Shade]) -> Vec<Shade> {
    const TIMES: usize = 8;
    for _ in 0..TIMES {
        let mut groups = vec![Vec::new(); palette.len()];
        for shade in colours {
            let nearest = (0..palette.len()).min_by(|&a, &b| {
                distance(shade.mean, palette[a].mean)
                    .total_cmp(&distance(shade.mean, palette[b].mean))
            });
            if let Some(nearest) = nearest {
                groups[nearest].push(*shade);
            }
        }
        palette =
            groups.iter().filter(|group| !group.is_empty()).map(|group| mean(group)).collect();
    }
    palette.sort_by(|a, b| b.pixels.total_cmp(&a.pixels));
    palette
}

fn mean(group: &[Shade]) -> Shade {
    let pixels: f32 = group.iter().map(|shade| shade.pixels).sum();
    let axis = |axis: usize| {
        group.iter().map(|shade| shade.mean[axis] * shade.pixels).sum::<f32>() / pixels
    };
    Shade { mean: [axis(0), axis(1), axis(2)], pixels }
}

/// The variance of the colours along each axis, over all pixels.
fn variances(group: &[Shade]) -> [f32; 3] {
    let middle = mean(group).mean;
    let axis = |axis: usize| {
        group.iter().map(|shade| (shade.mean[axis] - middle[axis]).powi(2) * shade.pixels).sum()
    };
    [axis(0), axis(1), axis(2)]
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

fn to_colour(mean: [f32; 3]) -> [u8; 3] {
    mean.map(|sample| sample.round().clamp(0.0, 255.0) as u8)
}
