//! Runs a picture through the steps of its pipeline.

use image::DynamicImage;
use image::imageops;
use serde_json::{Map, Value};
use waterway::Error;

use super::Checkpoint;
use super::code::STEP_FAILED;
use super::codec::{Encoding, Format};
use super::colour;
use super::resize::{fitted, resize};
use super::step::{Crop, Fit, Flip, Rotate, Step};

#[cfg(test)]
mod tests;

/// What came of a pipeline.
#[derive(Debug)]
pub struct Outcome {
    /// The picture as the last step left it.
    pub picture: DynamicImage,
    /// How to write it: as it came, unless a step says otherwise. What came as a GIF is written as
    /// PNG, of its first frame.
    pub encoding: Encoding,
    /// The fields that steps such as `info` add to the answer.
    pub fields: Map<String, Value>,
}

/// Why a pipeline did not come to its end.
#[derive(Debug)]
pub enum Stopped {
    /// The checkpoint said so: nobody waits for the result.
    Checkpoint(Error),
    /// A step failed.
    Step(Error),
}

/// Runs the steps in order, with the checkpoint before each.
///
/// # Errors
/// [`Stopped`]: by the checkpoint or by a step, whose error is `step_failed` or `failed`.
pub fn run(
    picture: DynamicImage,
    format: Format,
    steps: &[Step],
    checkpoint: &mut Checkpoint<'_>,
) -> Result<Outcome, Stopped> {
    let fields = Map::new();
    let mut outcome = Outcome { picture, encoding: Encoding::like(format), fields };
    for step in steps {
        checkpoint(step.name()).map_err(Stopped::Checkpoint)?;
        outcome = apply(outcome, *step, format).map_err(Stopped::Step)?;
    }
    Ok(outcome)
}

fn apply(mut outcome: Outcome, step: Step, format: Format) -> Result<Outcome, Error> {
    let picture = outcome.picture;
    outcome.picture = match step {
        Step::Grayscale => colour::grayscale(picture),
        Step::Info => {
            info(&picture, format, &mut outcome.fields);
            picture
        }
        Step::Fit(fit) => fitted_into(picture, fit)?,
        Step::Crop(crop) => cropped(&picture, crop)?,
        Step::Rotate(Rotate::Quarter) => picture.rotate90(),
        Step::Rotate(Rotate::Half) => picture.rotate180(),
        Step::Rotate(Rotate::ThreeQuarters) => picture.rotate270(),
        Step::Flip(Flip::Horizontal) => picture.fliph(),
        Step::Flip(Flip::Vertical) => picture.flipv(),
        Step::Blur(sigma) => picture.fast_blur(sigma.get()),
        Step::Sharpen(sigma) => sharpened(picture, sigma.get()),
        Step::Encode(encoding) => {
            outcome.encoding = encoding;
            picture
        }
    };
    Ok(outcome)
}

fn info(picture: &DynamicImage, format: Format, fields: &mut Map<String, Value>) {
    let colours = colour::colours(picture);
    fields.insert("width".into(), picture.width().into());
    fields.insert("height".into(), picture.height().into());
    fields.insert("format".into(), format.extension().into());
    fields.insert("mean_colour".into(), colours.mean.into());
    fields.insert("dominant_colour".into(), colours.dominant.into());
}

fn fitted_into(picture: DynamicImage, fit: Fit) -> Result<DynamicImage, Error> {
    let size = (picture.width(), picture.height());
    let smaller = fitted(size, (fit.width, fit.height));
    if smaller == size { Ok(picture) } else { resize(&picture, smaller) }
}

fn cropped(picture: &DynamicImage, crop: Crop) -> Result<DynamicImage, Error> {
    let width = picture.width().saturating_sub(crop.x).min(crop.width);
    let height = picture.height().saturating_sub(crop.y).min(crop.height);
    if width == 0 || height == 0 {
        let message = format!(
            "there is nothing to crop at {}, {} of a picture of {} × {} pixels",
            crop.x,
            crop.y,
            picture.width(),
            picture.height(),
        );
        return Err(Error::new(STEP_FAILED, message));
    }
    Ok(picture.crop_imm(crop.x, crop.y, width, height))
}

/// An unsharp mask: each sample is moved away from the blurred picture's by as much as they differ.
fn sharpened(mut picture: DynamicImage, sigma: f32) -> DynamicImage {
    let blurred = match &picture {
        DynamicImage::ImageLuma8(grey) => imageops::fast_blur(grey, sigma).into_raw(),
        DynamicImage::ImageLumaA8(grey) => imageops::fast_blur(grey, sigma).into_raw(),
        DynamicImage::ImageRgb8(rgb) => imageops::fast_blur(rgb, sigma).into_raw(),
        DynamicImage::ImageRgba8(rgba) => imageops::fast_blur(rgba, sigma).into_raw(),
        // Codecs give no other kind.
        _ => return picture,
    };
    let samples = match &mut picture {
        DynamicImage::ImageLuma8(grey) => &mut **grey,
        DynamicImage::ImageLumaA8(grey) => &mut **grey,
        DynamicImage::ImageRgb8(rgb) => &mut **rgb,
        DynamicImage::ImageRgba8(rgba) => &mut **rgba,
        _ => return picture,
    };
    for (sample, blurred) in samples.iter_mut().zip(blurred) {
        let sharp = 2 * i16::from(*sample) - i16::from(blurred);
        *sample = u8::try_from(sharp.clamp(0, 255)).unwrap_or(*sample);
    }
    picture
}
