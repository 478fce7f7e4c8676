//! The chunks of a PNG that define its colours (PNG, third edition, 4.3).

use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, ColorPrimaries, ColorProfile,
    MatrixCoefficients, ToneReprCurve, TransferCharacteristics, XyY,
};

use super::blocks::icc;
use crate::codec::bytes::be32;
use crate::codec::index::{Index, Kind};

/// The colours of a PNG. Of several chunks, the first in this order takes precedence: `cICP`,
/// `iCCP`, `sRGB`, `gAMA` with `cHRM`.
pub enum PngColours {
    /// An ICC profile.
    Icc(Vec<u8>),
    /// `cICP`, or `gAMA` and `cHRM`.
    Chunks(Box<ColorProfile>),
    /// sRGB, or no chunk.
    Srgb,
}

/// Reads the colours of a PNG. Ignores damaged chunks, and chunks after the first `IDAT`.
#[must_use]
pub fn png_colours(index: &Index<'_>) -> PngColours {
    let chunk = |name: &[u8; 4]| {
        let pixels = |kind: Kind| kind == Kind::Chunk(*b"IDAT");
        let mut before = index.head().iter().take_while(|segment| !pixels(segment.kind));
        let found = before.find(|segment| segment.kind == Kind::Chunk(*name))?;
        Some(index.content(found))
    };
    if let Some(coded) = chunk(b"cICP").and_then(coded) {
        if is_srgb(&coded) {
            return PngColours::Srgb;
        }
        if let Some(profile) = profile_of(coded) {
            return PngColours::Chunks(Box::new(profile));
        }
    }
    if let Some(icc) = icc(index) {
        return PngColours::Icc(icc);
    }
    // Its only byte is one of four rendering intents.
    if matches!(chunk(b"sRGB"), Some([0..=3])) {
        return PngColours::Srgb;
    }
    let gamma = chunk(b"gAMA").and_then(gamma);
    let chromaticities = chunk(b"cHRM").and_then(chromaticities);
    if gamma.is_none() && chromaticities.is_none() {
        return PngColours::Srgb;
    }
    let (white, primaries) = chromaticities.unwrap_or((D65, ColorPrimaries::BT_709));
    let curve = gamma.unwrap_or_else(srgb_curve);
    PngColours::Chunks(Box::new(profile(curve, white, primaries)))
}

const D65: XyY = Chromaticity::D65.to_xyyb();

/// Four numbers of ITU-T H.273: primaries, transfer, matrix and range. Like viewers, it takes only
/// RGB of full range, which has no matrix.
fn coded(content: &[u8]) -> Option<CicpProfile> {
    let &[primaries, transfer, 0, 1] = content else { return None };
    Some(CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(primaries).ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(transfer).ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    })
}

fn is_srgb(coded: &CicpProfile) -> bool {
    coded.color_primaries == CicpColorPrimaries::Bt709
        && coded.transfer_characteristics == TransferCharacteristics::Srgb
}

/// `None` for primaries and transfers that are reserved.
fn profile_of(coded: CicpProfile) -> Option<ColorProfile> {
    let mut profile = ColorProfile::new_from_cicp(coded);
    if let Some(light) = high_range(coded.transfer_characteristics) {
        profile.cicp = None;
        let curve = Some(ToneReprCurve::Lut(light));
        (profile.red_trc, profile.green_trc) = (curve.clone(), curve.clone());
        profile.blue_trc = curve;
    }
    profile.is_matrix_shaper().then_some(profile)
}

/// The curves of PQ and HLG up to the white of a page, 203 candela a square metre (ITU-R BT.2408).
/// Brighter light becomes white, as on a screen without high dynamic range.
fn high_range(transfer: TransferCharacteristics) -> Option<Vec<u16>> {
    const WHITE: f64 = 203.0;
    const POINTS: u16 = 4096;
    let candela: fn(f64) -> f64 = match transfer {
        TransferCharacteristics::Smpte2084 => |signal| {
            // SMPTE ST 2084.
            let power = signal.powf(32.0 / 2523.0);
            let (above, below) = ((power - 0.835_937_5).max(0.0), 18.851_562_5 - 18.6875 * power);
            10_000.0 * (above / below).powf(16384.0 / 2610.0)
        },
        TransferCharacteristics::Hlg => |signal| {
            // ITU-R BT.2100, on a screen of 1000 candela, whose system gamma is 1.2.
            let scene = if signal <= 0.5 {
                signal * signal / 3.0
            } else {
                (((signal - 0.559_910_73) / 0.178_832_77).exp() + 0.284_668_92) / 12.0
            };
            1000.0 * scene.powf(1.2)
        },
        _ => return None,
    };
    let point = |at| {
        let light = candela(f64::from(at) / f64::from(POINTS - 1)) / WHITE;
        // Between 0 and 65,535.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let point = (light.min(1.0) * 65_535.0).round() as u16;
        point
    };
    Some((0..POINTS).map(point).collect())
}

/// `gAMA`: the encoding's exponent times 100,000. About 1/2.2 means sRGB's own curve:
/// encoders write it for programs that do not know the chunk `sRGB`.
fn gamma(content: &[u8]) -> Option<ToneReprCurve> {
    /// By how much exponents may differ and count as equal: libpng's `PNG_GAMMA_THRESHOLD`.
    const EQUAL: f32 = 0.05;
    /// Beyond these, nearly all levels would look alike.
    const EXPONENTS: std::ops::RangeInclusive<f32> = 0.1..=10.0;
    let encoding = u16::try_from(be32(content, 0)?.div_ceil(10)).ok().filter(|&it| it > 0)?;
    let exponent = 10_000.0 / f32::from(encoding);
    if (exponent / 2.2 - 1.0).abs() <= EQUAL {
        return Some(srgb_curve());
    }
    EXPONENTS.contains(&exponent).then(|| ToneReprCurve::Parametric(vec![exponent]))
}

fn srgb_curve() -> ToneReprCurve {
    ToneReprCurve::Parametric(vec![2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.040_45])
}

/// `cHRM`: x and y of white, red, green and blue, times 100,000. `None` if they do not form a
/// triangle.
fn chromaticities(content: &[u8]) -> Option<(XyY, ColorPrimaries)> {
    /// Twice the area of the smallest triangle that is accepted; sRGB's has 0.22.
    const AREA_MIN: f32 = 0.001;
    let at = |at: usize| {
        let parts = |at| be32(content, at).filter(|&parts| parts <= 100_000);
        // Small enough to be exact.
        #[allow(clippy::cast_precision_loss)]
        let of_one = |parts: u32| parts as f32 / 100_000.0;
        let (x, y) = (of_one(parts(8 * at)?), of_one(parts(8 * at + 4)?));
        (y > 0.0).then_some(Chromaticity::new(x, y))
    };
    let (white, red, green, blue) = (at(0)?, at(1)?, at(2)?, at(3)?);
    let area = (green.x - red.x) * (blue.y - red.y) - (blue.x - red.x) * (green.y - red.y);
    let primaries = ColorPrimaries { red, green, blue };
    (area.abs() >= AREA_MIN).then_some((white.to_xyyb(), primaries))
}

fn profile(curve: ToneReprCurve, white: XyY, primaries: ColorPrimaries) -> ColorProfile {
    let mut profile = ColorProfile::new_srgb();
    profile.update_rgb_colorimetry(white, primaries);
    profile.red_trc = Some(curve.clone());
    profile.green_trc = Some(curve.clone());
    profile.blue_trc = Some(curve);
    profile
}
