//! `{ palette = 5 }`: the colours that stand for all of the picture's.

// Counts of pixels and means of samples, which these types hold.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind, Takes};
use super::value::whole;
use crate::image::colour;
use crate::image::work::Work;

/// How many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub(super) struct Palette(usize);

impl TryFrom<i64> for Palette {
    type Error = String;

    fn try_from(colours: i64) -> Result<Self, String> {
        let colours = whole("palette", colours, 1..=32)?;
        Ok(Self(usize::try_from(colours).unwrap_or(1)))
    }
}

impl Kind for Palette {
    const ABOUT: About = About {
        name: "palette",
        group: Group::Answer,
        takes: Takes::Value,
        summary: "`palette`: the colours that stand for all, the most frequent first",
        details: "1 to 32 of them, as `#rrggbb`; fewer when the picture has fewer. What is more than half transparent does not count.",
        examples: &["{ palette = 5 }"],
        ..About::PLAIN
    };

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let colours: Vec<Shade> = shades(&work.picture);
        let palette = refine(cut(&colours, self.0), &colours);
        let palette = work.shown(palette.iter().map(|shade| to_colour(shade.mean)).collect());
        let names: Vec<String> = palette.into_iter().map(colour::hex).collect();
        work.fields.insert("palette".into(), names.into());
        Ok(())
    }
}

/// Colours that are taken as one: their mean and how many pixels have them.
#[derive(Debug, Clone, Copy)]
struct Shade {
    mean: [f32; 3],
    pixels: f32,
}

/// The picture's colours, of 32768 that are told apart.
fn shades(picture: &image::DynamicImage) -> Vec<Shade> {
    let mut sums = vec![([0_u64; 3], 0_u64); 1 << 15];
    colour::for_each_opaque(picture, |pixel @ [r, g, b]| {
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

/// Cuts the colours in two where they are spread most, again and again.
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

/// Moves each colour to the middle of what is nearest to it, a few times (Lloyd), and puts the most
/// frequent first.
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

/// How far the colours are spread along each axis, all pixels together.
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
