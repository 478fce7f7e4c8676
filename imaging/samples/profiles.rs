//! ICC profiles with tables of L*, a* and b*, in version 2 like most of them.

// Components of a colour have names of one letter.
#![allow(clippy::many_single_char_names)]

use moxcms::{
    ColorProfile, DataColorSpace, LutDataType, LutStore, LutType, LutWarehouse, Matrix3d,
};

/// Display P3.
pub fn p3_by_table(grid: u8) -> Vec<u8> {
    by_table(DataColorSpace::Rgb, 3, grid, &ColorProfile::new_display_p3(), |parts| {
        [parts[0], parts[1], parts[2]]
    })
}

/// The light that each ink at its full lets through, as sRGB: those of an offset press.
pub const INKS: [[u8; 3]; 4] = [[0, 158, 224], [230, 0, 126], [255, 237, 0], [29, 29, 27]];

/// Four inks that let through [`INKS`], each on its own, and products of them together.
pub fn cmyk() -> Vec<u8> {
    by_table(DataColorSpace::Cmyk, 4, 9, &ColorProfile::new_srgb(), |parts| {
        [0, 1, 2].map(|channel| {
            let passes = parts
                .iter()
                .zip(INKS)
                .map(|(part, ink)| 1.0 - part * (1.0 - f64::from(ink[channel]) / 255.0));
            passes.product()
        })
    })
}

/// A profile with the colours of a model, a function from the values of each channel to RGB, by
/// this profile's matrix and sRGB's curve.
fn by_table(
    space: DataColorSpace,
    channels: u8,
    grid: u8,
    rgb: &ColorProfile,
    model: impl Fn(&[f64]) -> [f64; 3],
) -> Vec<u8> {
    let nodes = usize::from(grid).pow(channels.into());
    let colours = (0..nodes).flat_map(|node| {
        // The last channel changes first.
        let part = |channel: u8| {
            let at = node / usize::from(grid).pow(u32::from(channels - 1 - channel));
            (at % usize::from(grid)) as f64 / f64::from(grid - 1)
        };
        lab(rgb, model(&(0..channels).map(part).collect::<Vec<_>>()))
    });
    let even = |channels: u8| {
        let curve: Vec<u16> = (0..256_u32).map(|at| (at * 257) as u16).collect();
        LutStore::Store16(curve.repeat(channels.into()))
    };
    let lut = LutDataType {
        num_input_channels: channels,
        num_output_channels: 3,
        num_clut_grid_points: grid,
        matrix: Matrix3d::IDENTITY,
        num_input_table_entries: 256,
        num_output_table_entries: 256,
        input_table: even(channels),
        clut_table: LutStore::Store16(colours.collect()),
        output_table: even(3),
        lut_type: LutType::Lut16,
    };
    let mut profile = ColorProfile::default();
    (profile.color_space, profile.pcs) = (space, DataColorSpace::Lab);
    profile.white_point = rgb.white_point;
    profile.lut_a_to_b_perceptual = Some(LutWarehouse::Lut(lut));
    let mut icc = profile.encode().unwrap();
    icc[8] = 2;
    icc
}

/// L*, a* and b* (CIE 15:2018) as 16-bit numbers (ICC.1:2001-04, 6.3.4.2).
fn lab(profile: &ColorProfile, rgb: [f64; 3]) -> [u16; 3] {
    // sRGB's curve (IEC 61966-2-1), which is also P3's.
    let [r, g, b] =
        rgb.map(
            |value| {
                if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            },
        );
    let white = profile.white_point;
    let root = |part: f64| {
        if part > 216.0 / 24389.0 { part.cbrt() } else { part * 841.0 / 108.0 + 4.0 / 29.0 }
    };
    let [x, y, z] = profile.colorant_matrix().v.map(|row| row[0] * r + row[1] * g + row[2] * b);
    let [x, y, z] = [x / white.x, y / white.y, z / white.z].map(root);
    // 100 is 0xFF00, and 0 of a* and b* is 0x8000.
    let lightness = (116.0 * y - 16.0) / 100.0 * 65280.0;
    [lightness, (500.0 * (x - y) + 128.0) * 256.0, (200.0 * (y - z) + 128.0) * 256.0]
        .map(|part| part.round() as u16)
}
