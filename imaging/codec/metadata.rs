//! The metadata of a file: EXIF and ICC blocks, and the file without unnecessary metadata.
//!
//! Every function is lenient: damaged metadata count as absent.

mod blocks;
mod orientation;
mod png_colours;
mod strip;

pub(super) use blocks::ICC_MAX;
pub use blocks::{exif, icc};
pub use orientation::orientation;
pub use png_colours::{PngColours, png_colours};
pub use strip::stripped;

#[cfg(test)]
mod tests;
