//! Photos of the sizes that are measured, and their names in the tables.

use std::fmt;
use std::sync::OnceLock;

use image::{Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// A photo by its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Middle,
    Large,
}

/// The sizes of all photos.
pub(crate) const SIZES: [Size; 3] = [Size::Small, Size::Middle, Size::Large];

/// Factors for both sides: a header's `zoom`.
pub(crate) const ZOOMS: [f64; 4] = [0.5, 0.25, 1.0, 1.5];

/// A size at a zoom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) size: Size,
    pub(crate) zoom: f64,
}

/// Every size at every zoom.
pub(crate) fn cases() -> impl Iterator<Item = Case> {
    SIZES.into_iter().flat_map(|size| ZOOMS.map(|zoom| Case { size, zoom }))
}

impl Case {
    /// The size after the zoom, a whole number for these photos.
    pub(crate) fn zoomed(self) -> (u32, u32) {
        let (width, height) = self.size.sides();
        // At most 6000.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let by_zoom = |side: u32| (f64::from(side) * self.zoom) as u32;
        (by_zoom(width), by_zoom(height))
    }
}

impl Size {
    /// Width and height in pixels.
    pub(crate) fn sides(self) -> (u32, u32) {
        match self {
            Self::Small => (640, 480),
            Self::Middle => (1632, 1224),
            Self::Large => (4000, 3000),
        }
    }

    /// The file, made once.
    pub(crate) fn file(self) -> &'static [u8] {
        static FILES: [OnceLock<Vec<u8>>; 3] = [const { OnceLock::new() }; 3];
        FILES[self as usize].get_or_init(|| photo(self.sides()))
    }
}

/// A JPEG with soft and sharp parts, colours and grain, as photos have; 4:2:0, as cameras write.
fn photo((width, height): (u32, u32)) -> Vec<u8> {
    let mut noise = 1_u32;
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let ripple = (((u - 0.6).hypot(v - 0.4) * 60.0).sin() + 1.0) * 25.0;
        let edge = if (u * 9.0 + v * 4.0).fract() < 0.1 { 45.0 } else { 0.0 };
        // A linear congruence (Numerical Recipes): its upper bits are as random as grain.
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = f64::from(noise >> 28);
        // 0 to 245 by the factors above.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let level = |base: f64| (base * 135.0 + ripple + edge + grain) as u8;
        Rgb([level(u), level(v), level(1.0 - u * v)])
    });
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 88);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let [width, height] = [width, height].map(|side| side.try_into().expect("a JPEG's side"));
    encoder.encode(&picture, width, height, ColorType::Rgb).expect("memory takes it");
    file
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small => "0.3 MP",
            Self::Middle => "2 MP",
            Self::Large => "12 MP",
        })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, zoom {}", self.size, self.zoom)
    }
}
