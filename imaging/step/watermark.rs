//! `{ watermark = { file = "logo.png" } }`, `{ watermark = { text = "© Anna" } }`: a mark on the
//! picture.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{DynamicImage, RgbaImage};
use serde::Deserialize;

use self::lettering::Lettering;
use super::about::{About, Group, Key, Kind, Takes};
use super::shape::Shape;
use super::value::Gravity;
use crate::buffers::Buffers;
use crate::codec;
use crate::colour::Colour;
use crate::error::Error;
use crate::limits::Limits;
use crate::pixels::{self, luma, over, samples_mut, times};
use crate::resize::{fitted, resize, scaled};
use crate::workpiece::Workpiece;

mod lettering;

/// A mark and its place.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Table")]
pub(super) struct Watermark {
    what: What,
    /// The picture's file, or the font's file.
    file: Option<PathBuf>,
    /// [`load`](Kind::load) makes it from the file; without a file it is there from the start. It is
    /// shared, because pipelines are copied and pictures are large.
    ink: Option<Arc<Ink>>,
    position: Gravity,
    margin: u32,
    /// From 0 to 255.
    opacity: u8,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    /// A picture, and its width as a part of the width of the picture under it. `None` keeps its own
    /// size.
    Picture(Option<f64>),
    /// A text, its colour, and the height of a line as a part of the picture's shorter side.
    Text(String, Colour, f64),
}

#[derive(Debug, PartialEq)]
enum Ink {
    Picture(RgbaImage),
    Letters(Lettering),
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

/// The part of the picture's side.
const SIZE: Shape = Shape::Number(0.001, 1.0);
const OPACITY: Shape = Shape::Number(0.0, 1.0);

fn bottom_right() -> Gravity {
    Gravity::BottomRight
}

fn margin() -> u32 {
    16
}

fn opaque() -> f64 {
    1.0
}

impl TryFrom<Table> for Watermark {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let Table { file, text, font, colour, size, position, margin, opacity } = table;
        let size = size.map(|size| SIZE.number("size", size)).transpose()?;
        let (what, file) = match (file, text) {
            (Some(file), None) => {
                if font.is_some() || colour.is_some() {
                    return Err("font and colour are for text\nleave them out".into());
                }
                (What::Picture(size), Some(file))
            }
            (None, Some(text)) => {
                lettering::check(&text)?;
                let colour = colour.unwrap_or(Colour::WHITE);
                (What::Text(text, colour, size.unwrap_or(0.05)), font)
            }
            _ => {
                return Err("a watermark is a file or a text\ngive one of `file` and `text`".into());
            }
        };
        let opacity = OPACITY.number("opacity", opacity)?;
        Shape::LENGTH.whole("margin", margin.into())?;
        let opacity = pixels::to_sample(opacity * 255.0);
        let ink = match (&what, &file) {
            (What::Text(text, ..), None) => {
                Some(Arc::new(Ink::Letters(Lettering::new(text.clone(), None)?)))
            }
            _ => None,
        };
        Ok(Self { what, file, ink, position, margin, opacity })
    }
}

impl Watermark {
    /// The mark for a picture of this size, within its margins.
    fn draw(&self, size: (u32, u32), buffers: &mut Buffers) -> Result<RgbaImage, Error> {
        let room = |side: u32| side.saturating_sub(self.margin.saturating_mul(2)).max(1);
        let room = (room(size.0), room(size.1));
        match (self.ink.as_deref(), &self.what) {
            (Some(Ink::Picture(picture)), What::Picture(part)) => {
                let own = picture.dimensions();
                let options = part.map_or(own, |part| {
                    let factor = part * f64::from(size.0) / f64::from(own.0);
                    scaled(own, factor).unwrap_or(room)
                });
                let options = fitted(options, room);
                if options == own {
                    return Ok(picture.clone());
                }
                let picture = DynamicImage::from(picture.clone());
                Ok(resize(&picture, options, buffers)?.into_rgba8())
            }
            (Some(Ink::Letters(lettering)), What::Text(_, colour, part)) => {
                let height = part * f64::from(size.0.min(size.1));
                Ok(lettering.draw(height, room, *colour))
            }
            _ => Err(Error::failed("the file of a watermark was not loaded")),
        }
    }
}

impl Kind for Watermark {
    const ABOUT: About = About {
        name: "watermark",
        group: Group::Mark,
        takes: Takes::Value,
        summary: "puts a picture or a text on the picture",
        details: "The file is read once, when the service starts; it has at most 8 MiB and 4 megapixels. A mark that does not fit within the margins is made smaller. The font is Roboto, unless `font` names a TrueType or OpenType file.",
        examples: &[
            "{ watermark = { text = \"© Anna\" } }",
            "{ watermark = { text = \"PROOF\", position = \"center\", size = 0.2, colour = \"#ffffff\", opacity = 0.4 } }",
            "{ watermark = { file = \"logo.png\", size = 0.2, opacity = 0.8 } }",
        ],
        value: None,
        keys: &[
            Key {
                name: "file",
                shape: Shape::Path,
                meaning: "file of the mark; its path begins at `[server] root`, by default the working folder",
                default: "this or `text`",
            },
            Key {
                name: "text",
                shape: Shape::Text(lettering::TEXT_MAX),
                meaning: "one line of at most 200 characters",
                default: "this or `file`",
            },
            Key {
                name: "font",
                shape: Shape::Path,
                meaning: "file of the font",
                default: "Roboto",
            },
            Key {
                name: "colour",
                shape: Shape::Colour,
                meaning: "colour of the text",
                default: "\"white\"",
            },
            Key {
                name: "size",
                shape: SIZE,
                meaning: "0.001 to 1: the width of a file as part of the picture's width, or the height of a text's line as part of the picture's shorter side",
                default: "the file's own; 0.05 for a text",
            },
            Key {
                name: "position",
                shape: Shape::GRAVITY,
                meaning: Gravity::NAMES,
                default: "\"bottom-right\"",
            },
            Key {
                name: "margin",
                shape: Shape::LENGTH,
                meaning: "px from the edges",
                default: "16",
            },
            Key { name: "opacity", shape: OPACITY, meaning: "0 to 1", default: "1.0" },
        ],
    };

    fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    fn load(&mut self, file: Vec<u8>) -> Result<(), String> {
        let ink = match &self.what {
            What::Picture(_) => {
                let limits = Limits { pixels: 4_000_000, ..Limits::default() };
                let name = self.file.as_deref().unwrap_or(Path::new("")).display();
                let picture = codec::pixels(&file, &limits);
                let picture = picture.map_err(|error| format!("{name}: {}", error.message()))?;
                Ink::Picture(picture.to_rgba8())
            }
            What::Text(text, ..) => Ink::Letters(Lettering::new(text.clone(), Some(file))?),
        };
        self.ink = Some(Arc::new(ink));
        Ok(())
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        piece.bring_to_srgb();
        let mark = self.draw(piece.size(), piece.buffers)?;
        let (width, height) = piece.size();
        let margin = self.margin;
        let (across, down) = self.position.before();
        // A position between two margins is within the picture.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let span = |side: u32, length: u32, part: f64| {
            let room = side.saturating_sub(length);
            let margin = margin.min(room / 2);
            margin + (f64::from(room - 2 * margin) * part).floor() as u32
        };
        let corner = (span(width, mark.width(), across), span(height, mark.height(), down));
        if mark.pixels().any(|pixel| !Colour(pixel.0).is_grey()) {
            let picture = std::mem::take(&mut piece.picture);
            piece.picture = pixels::taking(picture, Colour([255, 0, 0, 255]));
        }
        put(&mut piece.picture, &mark, corner, self.opacity);
        Ok(())
    }
}

/// Draws a mark over a picture.
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

/// Draws a colour over a pixel of any kind.
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
                // The mean of two samples, weighted by their alphas.
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
