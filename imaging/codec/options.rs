//! The form in which a caller asks for a decoded picture.

/// The form in which a caller can use a picture. A codec that cannot provide it gives another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Each side is divided by 1, 2, 4 or 8, and rounded up. Every JPEG is scaled, even a damaged
    /// one, and its memory is counted in this size. Other formats keep their size.
    pub scale: u32,
    /// Whether brightness alone is enough.
    pub grey: bool,
    /// Whether the caller takes planes.
    pub planes: bool,
}

impl DecodeOptions {
    /// A whole picture, as pixels.
    pub const PIXELS: Self = Self { scale: 1, grey: false, planes: false };
}
