//! `"exif"`: the camera's data, as a field of the answer.

use ::exif::{Exif as Block, Field, In, Rational, Reader, Tag, Value as Entry};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::about::{About, Group, Key, Kind, Takes};
use super::shape::Shape;
use crate::profile::Profile;
use crate::workpiece::Source;

/// Whether the fields include the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Exif {
    gps: bool,
}

/// The longest text in the answer, in characters.
const TEXT_MAX: usize = 128;

impl Kind for Exif {
    const ABOUT: About = About {
        name: "exif",
        group: Group::Answer,
        takes: Takes::Either,
        summary: "`exif`: the camera's notes",
        details: "An object with the fields that the file has: `make`, `model`, `lens`, `software`, `copyright`, `taken` (`2026-11-23T19:40:28`, with the offset if it is known), `exposure` (seconds), `aperture` (f-number), `iso`, `focal_length` and `focal_length_35mm` (mm), `flash`. It never holds a serial number or a person's name. The place is there only on request: `gps` with `latitude` and `longitude` (degrees) and `altitude` (m).",
        examples: &["\"exif\"", "{ exif = { gps = true } }"],
        value: None,
        keys: &[Key {
            name: "gps",
            shape: Shape::Flag,
            meaning: "includes the place",
            default: "false",
        }],
    };

    fn bare() -> Option<Self> {
        Some(Self::default())
    }

    fn needs_pixels(&self) -> bool {
        false
    }

    fn apply_without_pixels(
        &self,
        source: &Source<'_>,
        _: &mut Option<Profile>,
        fields: &mut Map<String, Value>,
    ) {
        let block = source.exif.and_then(block);
        let mut reported = block.as_ref().map(reported).unwrap_or_default();
        if self.gps
            && let Some(span) = block.as_ref().and_then(span)
        {
            reported.insert("gps".into(), span);
        }
        fields.insert("exif".into(), reported.into());
    }
}

/// The longest block that is read, in bytes: the most that fits into a JPEG. The reader makes a
/// list of each entry, which may take many times the entry's size.
const BLOCK_MAX: usize = 64 << 10;

/// The readable part of a block, which may be damaged.
fn block(tiff: &[u8]) -> Option<Block> {
    if tiff.len() > BLOCK_MAX {
        return None;
    }
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    let read = reader.read_raw(tiff.to_vec());
    read.or_else(|error| error.distill_partial_result(|_| {})).ok()
}

fn reported(block: &Block) -> Map<String, Value> {
    let field = |tag| block.get_field(tag, In::PRIMARY);
    let entries = [
        ("make", field(Tag::Make).and_then(text)),
        ("model", field(Tag::Model).and_then(text)),
        ("lens", field(Tag::LensModel).and_then(text)),
        ("software", field(Tag::Software).and_then(text)),
        ("copyright", field(Tag::Copyright).and_then(text)),
        ("taken", taken(block)),
        ("exposure", field(Tag::ExposureTime).and_then(number)),
        ("aperture", field(Tag::FNumber).and_then(number)),
        ("iso", field(Tag::PhotographicSensitivity).and_then(number)),
        ("focal_length", field(Tag::FocalLength).and_then(number)),
        ("focal_length_35mm", field(Tag::FocalLengthIn35mmFilm).and_then(number)),
        // The lowest bit tells whether the flash fired.
        (
            "flash",
            field(Tag::Flash)
                .and_then(|flash| flash.value.get_uint(0))
                .map(|bits| json!(bits & 1 == 1)),
        ),
    ];
    entries.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn text(field: &Field) -> Option<Value> {
    let Entry::Ascii(lines) = &field.value else { return None };
    let line = String::from_utf8_lossy(lines.first()?);
    let line: String =
        line.trim_matches(['\0', ' ']).chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect();
    (!line.is_empty()).then(|| line.into())
}

/// A number, whole if possible; `None` for a number that JSON cannot express.
fn number(field: &Field) -> Option<Value> {
    match &field.value {
        Entry::Rational(parts) => parts.first().and_then(|part| finite(part.to_f64())),
        other => other.get_uint(0).map(Value::from),
    }
}

fn finite(number: f64) -> Option<Value> {
    // Seven decimal places are enough for an exposure of 1/8000 s and a position within a
    // centimetre.
    let number = (number * 1e7).round() / 1e7;
    number.is_finite().then(|| json!(number))
}

/// `2026:11:23 19:40:28` in the form of ISO 8601.
fn taken(block: &Block) -> Option<Value> {
    let written = |tag| block.get_field(tag, In::PRIMARY).and_then(text);
    let taken = written(Tag::DateTimeOriginal)?;
    let (date, time) = taken.as_str()?.split_once(' ')?;
    let plain = |part: &str| part.bytes().all(|c| c.is_ascii_digit() || c == b':');
    if date.len() != 10 || time.len() != 8 || !plain(date) || !plain(time) {
        return None;
    }
    let offset = written(Tag::OffsetTimeOriginal);
    let offset = offset.as_ref().and_then(Value::as_str).filter(|offset| offset.len() == 6);
    Some(format!("{}T{time}{}", date.replace(':', "-"), offset.unwrap_or_default()).into())
}

fn span(block: &Block) -> Option<Value> {
    let field = |tag| block.get_field(tag, In::PRIMARY);
    let degrees = |tag, reference, negative| {
        let Entry::Rational(parts) = &field(tag)?.value else { return None };
        let [degrees, minutes, seconds]: [f64; 3] =
            parts.get(..3)?.iter().map(Rational::to_f64).collect::<Vec<_>>().try_into().ok()?;
        let sign = if letter(field(reference)?)? == negative { -1.0 } else { 1.0 };
        finite(sign * (degrees + minutes / 60.0 + seconds / 3600.0))
    };
    let latitude = degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S')?;
    let longitude = degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W')?;
    let mut span = json!({"latitude": latitude, "longitude": longitude});
    let altitude = field(Tag::GPSAltitude).and_then(number);
    if let Some(altitude) = altitude.as_ref().and_then(Value::as_f64) {
        let below = field(Tag::GPSAltitudeRef).and_then(|field| field.value.get_uint(0)) == Some(1);
        span["altitude"] = json!(if below { -altitude } else { altitude });
    }
    Some(span)
}

fn letter(field: &Field) -> Option<u8> {
    let Entry::Ascii(lines) = &field.value else { return None };
    lines.first()?.first().copied()
}
