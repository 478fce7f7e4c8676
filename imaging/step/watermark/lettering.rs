//! A line of text as a picture.

// Letters are placed within a picture's sides, which these types can hold.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use std::fmt;

use ab_glyph::{Font, FontVec, Glyph, OutlinedGlyph, PxScale, ScaleFont, point};
use image::{Rgba, RgbaImage};

use crate::colour::Colour;

/// The built-in font; its licence is next to it.
static ROBOTO: &[u8] = include_bytes!("../../fonts/Roboto-Regular.ttf");

/// The longest text, in characters.
pub(super) const TEXT_MAX: usize = 200;

/// Refuses a text that is not one line, or too long.
pub(super) fn check(text: &str) -> Result<(), String> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > TEXT_MAX || text.chars().any(char::is_control) {
        return Err(format!("text: it is one line of 1 to {TEXT_MAX} characters"));
    }
    Ok(())
}

/// A line of text and its font.
pub(super) struct Lettering {
    text: String,
    font: FontVec,
    /// The font's file, for comparison.
    file: Option<Vec<u8>>,
}

impl Lettering {
    /// A text in this font, or in the built-in font.
    pub(super) fn new(text: String, file: Option<Vec<u8>>) -> Result<Self, String> {
        let bytes = file.clone().unwrap_or_else(|| ROBOTO.to_vec());
        let font = FontVec::try_from_vec(bytes)
            .map_err(|_| "font: this is not a TrueType or OpenType font".to_owned())?;
        if let Some(missing) = text.chars().find(|&c| !c.is_whitespace() && font.glyph_id(c).0 == 0)
        {
            return Err(format!("the font has no {missing:?}\nname another with `font`"));
        }
        Ok(Self { text, font, file })
    }

    /// The text with lines of this height, or smaller so that it fits into the room.
    pub(super) fn draw(&self, height: f64, room: (u32, u32), colour: Colour) -> RgbaImage {
        // Smaller letters cannot be read, and no picture is larger.
        let mut height = (height as f32).clamp(4.0, 4096.0);
        let mut ink = self.ink(height);
        let beyond = (ink.0 / room.0 as f32).max(ink.1 / room.1 as f32);
        if beyond > 1.0 {
            height /= beyond;
            ink = self.ink(height);
        }
        let size = |length: f32, most: u32| (length.ceil() as u32).clamp(1, most);
        let mut picture = RgbaImage::new(size(ink.0, room.0), size(ink.1, room.1));
        let Colour([colour @ .., alpha]) = colour;
        for glyph in self.outlines(height) {
            let bounds = glyph.px_bounds();
            glyph.draw(|x, y, coverage| {
                let x = x + (bounds.min.x - ink.2).max(0.0) as u32;
                let y = y + (bounds.min.y - ink.3).max(0.0) as u32;
                if let Some(Rgba(pixel)) = picture.get_pixel_mut_checked(x, y) {
                    let covered = (coverage.clamp(0.0, 1.0) * f32::from(alpha)).round() as u8;
                    let [red, green, blue] = colour;
                    *pixel = [red, green, blue, pixel[3].max(covered)];
                }
            });
        }
        picture
    }

    /// The width, height, left and top of everything that is drawn.
    fn ink(&self, height: f32) -> (f32, f32, f32, f32) {
        let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for glyph in self.outlines(height) {
            let ink = glyph.px_bounds();
            bounds = [
                bounds[0].min(ink.min.x),
                bounds[1].min(ink.min.y),
                bounds[2].max(ink.max.x),
                bounds[3].max(ink.max.y),
            ];
        }
        let [left, top, right, bottom] = bounds;
        if right < left { (1.0, 1.0, 0.0, 0.0) } else { (right - left, bottom - top, left, top) }
    }

    /// The letters side by side, with kerning.
    fn outlines(&self, height: f32) -> impl Iterator<Item = OutlinedGlyph> {
        let font = self.font.as_scaled(PxScale::from(height));
        let mut x = 0.0;
        let mut before = None;
        let glyphs: Vec<Glyph> = self
            .text
            .chars()
            .map(|letter| {
                let id = font.glyph_id(letter);
                x += before.map_or(0.0, |before| font.kern(before, id));
                let span = point(x, font.ascent());
                x += font.h_advance(id);
                before = Some(id);
                id.with_scale_and_position(height, span)
            })
            .collect();
        glyphs.into_iter().filter_map(|glyph| self.font.outline_glyph(glyph))
    }
}

impl PartialEq for Lettering {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.file == other.file
    }
}

impl fmt::Debug for Lettering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lettering").field("text", &self.text).finish_non_exhaustive()
    }
}
