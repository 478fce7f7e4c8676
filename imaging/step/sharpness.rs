//! `"sharpness"`: how sharp the picture is, as one number.

use serde::Deserialize;

use super::about::{About, Group, Kind};
use crate::error::Error;
use crate::shades::brightness;
use crate::workpiece::Workpiece;

/// Takes no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Sharpness;

impl Kind for Sharpness {
    const ABOUT: About = About {
        name: "sharpness",
        group: Group::Answer,
        summary: "`sharpness`: the variance of the Laplacian",
        details: "It equals `cv2.Laplacian(grey, cv2.CV_64F).var()`. It depends on the size, so bring pictures to one size before you compare them. At 640 px, most pictures below some 100 are blurred.",
        examples: &["\"sharpness\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let grey = brightness(&piece.picture, piece.buffers)?;
        let variance = variance(grey.as_raw(), grey.width() as usize);
        piece.fields.insert("sharpness".into(), ((variance * 100.0).round() / 100.0).into());
        Ok(())
    }
}

/// The variance of each sample's distance from its four neighbours; the picture is mirrored at its
/// edges.
fn variance(grey: &[u8], width: usize) -> f64 {
    let height = grey.len() / width.max(1);
    let (mut sum, mut squares) = (0_i64, 0_i64);
    let mirrored = |at: usize, length: usize| {
        let before = if at == 0 { 1.min(length - 1) } else { at - 1 };
        let behind = if at + 1 == length { length.saturating_sub(2) } else { at + 1 };
        (before, behind)
    };
    for y in 0..height {
        let row = |y: usize| &grey[y * width..][..width];
        let (above, below) = mirrored(y, height);
        let (above, here, below) = (row(above), row(y), row(below));
        for x in 0..width {
            let (left, right) = mirrored(x, width);
            let [centre, left, right, above, below] =
                [here[x], here[left], here[right], above[x], below[x]].map(i64::from);
            let laplacian = left + right + above + below - 4 * centre;
            sum += laplacian;
            squares += laplacian * laplacian;
        }
    }
    // Below 2⁵³ for any picture within the limits.
    #[allow(clippy::cast_precision_loss)]
    let [sum, squares, count] = [sum as f64, squares as f64, grey.len().max(1) as f64];
    squares / count - (sum / count).powi(2)
}
