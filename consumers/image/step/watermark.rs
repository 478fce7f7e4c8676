//! `{ watermark = { file = "logo.png" } }`, `{ watermark = { text = "© Anna" } }`: a mark on the
//! picture.

use std::path::PathBuf;
use std::sync::Arc;

use image::{DynamicImage, RgbaImage};
use serde::Deserialize;
use waterway::Error;

use self::lettering::Lettering;
use super::about::{About, Group, Key, Kind, Takes};
use super::value::{Colour, Gravity, within};
use crate::image::codec::{self, Limits};
use crate::image::pixels::{self, luma, over, samples_mut, times};
use crate::image::resize::{fitted, resize};
use crate::image::work::Work;

mod lettering;

/// A mark and where it goes. It is shared, since pipelines are copied and pictures are large.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Table")]
pub(super) struct Watermark(Arc<Mark>);

#[derive(Debug, PartialEq)]
struct Mark {
    what: What,
    /// The picture's file, or the font's.
    files: Vec<PathBuf>,
    position: Gravity,
    margin: u32,
    /// Of 255.
    opacity: u8,
}

#[derive(Debug, PartialEq)]
enum What {
    /// A picture, and how wide it is as part of the picture that it is put on; nothing is as it is.
    Picture(RgbaImage, Option<f64>),
    /// Letters, their colour, and how high a line is as part of the picture's shorter side.
    Text(Lettering, Colour, f64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    file: Option<PathBuf>,
    text: Option<String>,
    font: Option<PathBuf>,
    colour: Option<Colour>,
    size: Option<f64>,
    #[serde(default = "bottom_right")]
    position: Gravity,
    #[serde(default = "margin")]
    margin: u32,
    #[serde(default = "opaque")]
    opacity: f64,
}

fn bottom_right() -> Gravity {
    Gravity::BottomRight
}

fn margin() -> u32 {
    16
}

fn opaque() -> f64 {
    1.0
}

/// The largest file of a mark or a font.
const FILE_MAX: u64 = 8 << 20;

fn read(file: &PathBuf) -> Result<Vec<u8>, String> {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.clone());
    let refused = |why: String| format!("{}: {why}", absolute.display());
    let length = std::fs::metadata(file).map_err(|error| refused(error.to_string()))?.len();
    if length > FILE_MAX {
        return Err(refused(format!("{length} bytes, {FILE_MAX} go")));
    }
    std::fs::read(file).map_err(|error| refused(error.to_string()))
}

impl TryFrom<Table> for Watermark {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let Table { file, text, font, colour, size, position, margin, opacity } = table;
        let files = file.iter().chain(&font).cloned().collect();
        let size = size.map(|size| within("size", size, 0.001..=1.0)).transpose()?;
        let what = match (file, text) {
            (Some(file), None) => {
                if font.is_some() || colour.is_some() {
                    return Err("font and colour are for text\nleave them out".into());
                }
                let limits = Limits { pixels: 4_000_000, ..Limits::default() };
                let picture = codec::pixels(&read(&file)?, &limits)
                    .map_err(|error| format!("{}: {}", file.display(), error.message()))?;
                What::Picture(picture.to_rgba8(), size)
            }
            (None, Some(text)) => {
                let font = font.as_ref().map(read).transpose()?;
                let lettering = Lettering::new(text, font)?;
                What::Text(lettering, colour.unwrap_or(Colour::WHITE), size.unwrap_or(0.05))
            }
            _ => {
                return Err("a watermark is a file or a text\ngive one of `file` and `text`".into());
            }
        };
        let opacity = within("opacity", opacity, 0.0..=1.0)?;
        if margin > Limits::SIDE_MAX {
            return Err(format!("margin = {margin}: it is 0 to {}", Limits::SIDE_MAX));
        }
        let opacity = pixels::to_sample(opacity * 255.0);
        Ok(Self(Arc::new(Mark { what, files, position, margin, opacity })))
    }
}

impl Mark {
    /// The mark for a picture of this size, within its margins.
    fn draw(&self, size: (u32, u32)) -> Result<RgbaImage, Error> {
        let room = |side: u32| side.saturating_sub(self.margin.saturating_mul(2)).max(1);
        let room = (room(size.0), room(size.1));
        match &self.what {
            What::Picture(picture, part) => {
                let own = picture.dimensions();
                let wanted = part.map_or(own, |part| {
                    let factor = part * f64::from(size.0) / f64::from(own.0);
                    crate::image::resize::scaled(own, factor).unwrap_or(room)
                });
                let wanted = fitted(wanted, room);
                if wanted == own {
                    return Ok(picture.clone());
                }
                Ok(resize(&DynamicImage::from(picture.clone()), wanted)?.into_rgba8())
            }
            What::Text(lettering, colour, part) => {
                let height = part * f64::from(size.0.min(size.1));
                Ok(lettering.draw(height, room, *colour))
            }
        }
    }
}

impl Kind for Watermark {
    const ABOUT: About = About {
        name: "watermark",
        group: Group::Mark,
        takes: Takes::Value,
        summary: "a mark on the picture: a picture from a file, or a text",
        details: "The file is read once, when the table is loaded: up to 8 MiB and 4 megapixels. A mark that is larger than the picture within its margins is made smaller. The letters are Roboto's unless `font` names a TrueType or OpenType file.",
        examples: &[
            "{ watermark = { text = \"© Anna\" } }",
            "{ watermark = { text = \"PROOF\", position = \"center\", size = 0.2, colour = \"#ffffff\", opacity = 0.4 } }",
            "{ watermark = { file = \"logo.png\", size = 0.2, opacity = 0.8 } }",
        ],
        keys: &[
            Key {
                name: "file",
                meaning: "the picture; its path begins at `[server] root`, by default the working folder",
                default: "this or `text`",
            },
            Key {
                name: "text",
                meaning: "one line of at most 200 characters",
                default: "this or `file`",
            },
            Key { name: "font", meaning: "a font's file, for text", default: "Roboto" },
            Key { name: "colour", meaning: "the text's", default: "\"white\"" },
            Key {
                name: "size",
                meaning: "0.001 to 1: a file's width as part of the picture's, a text's line as part of its shorter side",
                default: "the file's own; 0.05 for a text",
            },
            Key { name: "position", meaning: Gravity::NAMES, default: "\"bottom-right\"" },
            Key { name: "margin", meaning: "px from the edges", default: "16" },
            Key { name: "opacity", meaning: "0 to 1", default: "1.0" },
        ],
    };

    fn files(&self) -> &[PathBuf] {
        &self.0.files
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        work.bring_to_srgb();
        let mark = self.0.draw(work.size())?;
        let (width, height) = work.size();
        let margin = self.0.margin;
        let (across, down) = self.0.position.before();
        // A place between two margins is a place in the picture.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let place = |side: u32, length: u32, part: f64| {
            let room = side.saturating_sub(length);
            let margin = margin.min(room / 2);
            margin + (f64::from(room - 2 * margin) * part).floor() as u32
        };
        let corner = (place(width, mark.width(), across), place(height, mark.height(), down));
        if mark.pixels().any(|pixel| !Colour(pixel.0).is_grey()) {
            let picture = std::mem::take(&mut work.picture);
            work.picture = pixels::taking(picture, Colour([255, 0, 0, 255]));
        }
        put(&mut work.picture, &mark, corner, self.0.opacity);
        Ok(())
    }
}

/// Puts a mark over a picture.
fn put(picture: &mut DynamicImage, mark: &RgbaImage, (left, top): (u32, u32), opacity: u8) {
    let row = picture.width() as usize;
    let (samples, channels) = samples_mut(picture);
    let rows = samples.chunks_exact_mut(row * channels).skip(top as usize);
    for (line, mark) in rows.zip(mark.rows()) {
        let pixels = line.chunks_exact_mut(channels).skip(left as usize);
        for (pixel, mark) in pixels.zip(mark) {
            let [r, g, b, alpha] = mark.0;
            let alpha = times(alpha, opacity);
            if alpha > 0 {
                mix(pixel, [r, g, b], alpha);
            }
        }
    }
}

/// A colour over a pixel of any kind.
fn mix(pixel: &mut [u8], [r, g, b]: [u8; 3], alpha: u8) {
    match pixel {
        [grey] => *grey = over(luma([r, g, b]), *grey, alpha),
        [red, green, blue] => {
            (*red, *green, *blue) =
                (over(r, *red, alpha), over(g, *green, alpha), over(b, *blue, alpha));
        }
        [colours @ .., below] => {
            let shown = u32::from(alpha) * 255 + u32::from(*below) * (255 - u32::from(alpha));
            let above: &[u8] = if colours.len() == 1 { &[luma([r, g, b])] } else { &[r, g, b] };
            for (colour, above) in colours.iter_mut().zip(above) {
                let mixed = u32::from(*above) * u32::from(alpha) * 255
                    + u32::from(*colour) * u32::from(*below) * (255 - u32::from(alpha));
                // The mean of two samples, weighed by parts of what is shown.
                #[allow(clippy::cast_possible_truncation)]
                let mean = ((mixed + shown / 2) / shown) as u8;
                *colour = mean;
            }
            // Of 255 times 255.
            #[allow(clippy::cast_possible_truncation)]
            let alpha = ((shown + 127) / 255) as u8;
            *below = alpha;
        }
        [] => {}
    }
}
