//! Converts from the colours of a profile to sRGB.

use image::DynamicImage;
use moxcms::{
    CmsError, ColorProfile, DataColorSpace, Layout, ToneReprCurve, TransformOptions, Xyzd,
};

use crate::error::Error;
use crate::pixels::{channels, look_up, luma, samples_mut, to_sample};

/// Samples that are converted at once: a whole number of pixels of 3 and of 4.
const BLOCK: usize = 3 * 4096;

/// Whether the colours of a profile are those of sRGB, as far as 8 bits can tell.
pub(super) fn is_srgb(profile: &ColorProfile) -> bool {
    /// In X, Y or Z between 0 and 1. Profiles differ by 0.001 in how they adapt white.
    const COLORANT: f64 = 0.004;
    /// In linear light between 0 and 1: less than half a step of 8 bits.
    const LIGHT: f32 = 0.001;
    let srgb = ColorProfile::new_srgb();
    let by_table = profile.lut_a_to_b_perceptual.is_some()
        || profile.lut_a_to_b_colorimetric.is_some()
        || profile.lut_a_to_b_saturation.is_some();
    let near = |a: Xyzd, b: Xyzd| {
        [a.x - b.x, a.y - b.y, a.z - b.z].iter().all(|difference| difference.abs() < COLORANT)
    };
    let colorants = |of: &ColorProfile| [of.red_colorant, of.green_colorant, of.blue_colorant];
    if by_table
        || !profile.is_matrix_shaper()
        || !colorants(profile).into_iter().zip(colorants(&srgb)).all(|(a, b)| near(a, b))
    {
        return false;
    }
    let light = |curve: &Option<ToneReprCurve>| profile.build_8bit_lin_table(curve);
    let Ok(expected) = light(&srgb.red_trc) else { return false };
    [&profile.red_trc, &profile.green_trc, &profile.blue_trc].into_iter().all(|curve| {
        light(curve)
            .is_ok_and(|curve| curve.iter().zip(&expected[..]).all(|(a, b)| (a - b).abs() < LIGHT))
    })
}

/// Converts a picture; if that fails, the picture is unchanged.
pub(super) fn to_srgb(profile: &ColorProfile, picture: &mut DynamicImage) -> Result<(), Error> {
    match (profile.color_space, channels(picture)) {
        (DataColorSpace::Gray, _) => look_up(picture, &greys(profile)?),
        (DataColorSpace::Rgb, _) if is_srgb(profile) => {}
        (DataColorSpace::Rgb, 3) => convert(profile, Layout::Rgb, samples_mut(picture).0)?,
        (DataColorSpace::Rgb, 4) => convert(profile, Layout::Rgba, samples_mut(picture).0)?,
        (DataColorSpace::Rgb, _) => look_up(picture, &neutrals(profile)?),
        _ => return Err(CmsError::UnsupportedProfileConnection.into()),
    }
    Ok(())
}

/// Converts RGB, with or without alpha, block by block.
fn convert(profile: &ColorProfile, layout: Layout, samples: &mut [u8]) -> Result<(), CmsError> {
    let (srgb, options) = (ColorProfile::new_srgb(), TransformOptions::default());
    let transform = profile.create_transform_8bit(layout, &srgb, layout, options)?;
    let mut before = [0; BLOCK];
    for block in samples.chunks_mut(BLOCK) {
        let before = &mut before[..block.len()];
        before.copy_from_slice(block);
        transform.transform(before, block)?;
    }
    Ok(())
}

/// The sRGB value of each grey by a profile for greys. Its curve gives Y, or L* if its colours are
/// connected by Lab (ICC.1:2022, F.2).
fn greys(profile: &ColorProfile) -> Result<[u8; 256], CmsError> {
    let curve = profile.build_8bit_lin_table(&profile.gray_trc)?;
    let light = |value: f32| match profile.pcs {
        DataColorSpace::Xyz => Ok(value),
        DataColorSpace::Lab => Ok(luminance(100.0 * value)),
        _ => Err(CmsError::UnsupportedProfileConnection),
    };
    let mut table = [0; 256];
    for (to, &value) in table.iter_mut().zip(&curve[..]) {
        *to = to_sample(f64::from(encoded(light(value)?)) * 255.0);
    }
    Ok(table)
}

/// The sRGB value of each grey by a profile for RGB.
fn neutrals(profile: &ColorProfile) -> Result<[u8; 256], CmsError> {
    let mut greys: Vec<u8> = (0..=u8::MAX).flat_map(|grey| [grey; 3]).collect();
    convert(profile, Layout::Rgb, &mut greys)?;
    let mut table = [0; 256];
    for (to, &grey) in table.iter_mut().zip(greys.as_chunks().0) {
        *to = luma(grey);
    }
    Ok(table)
}

/// Y from L* (CIE 15:2018).
fn luminance(lightness: f32) -> f32 {
    if lightness > 8.0 { ((lightness + 16.0) / 116.0).powi(3) } else { lightness * 27.0 / 24389.0 }
}

/// Linear light as sRGB encodes it (IEC 61966-2-1).
fn encoded(light: f32) -> f32 {
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}
