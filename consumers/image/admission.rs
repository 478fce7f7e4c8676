//! Who is let in: the memory that pictures under way may take together, and how long one may take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use waterway::{Error, Size, Time, code};

use super::code::BAD_IMAGE;

#[cfg(test)]
mod tests;

/// `limits.in_flight` where nobody says otherwise: any one picture within the default limits fits.
pub const IN_FLIGHT: Size = Size::new(768 << 20);

/// `limits.time` where nobody says otherwise.
pub const TIME: Time = Time::from_secs(10);

/// Memory is counted in units of so many bytes, so that all there can be has a number.
const UNIT: u64 = 1024;

/// The memory that pictures under way may take together, as it was estimated before each was
/// begun. What does not fit waits, first come first served, so that small pictures do not starve
/// a large one.
///
/// Who has been admitted must not ask again before that is given back: two who do could wait for
/// each other for ever.
#[derive(Debug, Clone)]
pub struct Budget {
    free: Arc<Semaphore>,
    units: u32,
}

/// Memory that was granted; dropped, it is given back.
#[derive(Debug)]
#[must_use = "dropped, the memory is given back"]
pub struct Admitted {
    _granted: OwnedSemaphorePermit,
}

impl Budget {
    /// A budget of so many bytes, rounded up to a KiB.
    #[must_use]
    pub fn new(in_flight: Size) -> Self {
        let units = units(in_flight.bytes());
        let free = usize::try_from(units)
            .map_or(Semaphore::MAX_PERMITS, |units| units.min(Semaphore::MAX_PERMITS));
        Self { free: Arc::new(Semaphore::new(free)), units }
    }

    /// Waits until there is so much memory for a picture.
    ///
    /// # Errors
    /// `bad_image`, at once, when there never will be: it needs more than the whole budget.
    pub async fn admit(&self, bytes: u64) -> Result<Admitted, Error> {
        let needed = units(bytes);
        if needed > self.units {
            let message = format!(
                "working on the picture takes some {} of memory, and {} go (limits.in_flight): \
                 send a smaller one",
                rounded(bytes),
                rounded(u64::from(self.units) * UNIT),
            );
            return Err(Error::new(BAD_IMAGE, message));
        }
        // It is never closed.
        let granted = Arc::clone(&self.free).acquire_many_owned(needed).await?;
        Ok(Admitted { _granted: granted })
    }

    /// How many bytes are free now.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.free.available_permits() as u64 * UNIT
    }
}

/// How long one picture may be worked on. It is asked between stages: none is interrupted.
///
/// What a task has waited before, in the queue or for memory, does not count: begin it where the
/// work begins.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    begun: Instant,
    limit: Duration,
}

impl Watch {
    /// Work of at most so long begins now.
    #[must_use]
    pub fn begin(limit: Time) -> Self {
        Self::begin_at(Instant::now(), limit)
    }

    /// Work of at most so long begins, or began, then.
    #[must_use]
    pub fn begin_at(begun: Instant, limit: Time) -> Self {
        Self { begun, limit: limit.duration() }
    }

    /// Goes on only while there is time left.
    ///
    /// # Errors
    /// `expired`.
    pub fn check(&self) -> Result<(), Error> {
        self.check_at(Instant::now())
    }

    /// The same, then.
    ///
    /// # Errors
    /// `expired`.
    pub fn check_at(&self, now: Instant) -> Result<(), Error> {
        if now.saturating_duration_since(self.begun) <= self.limit {
            return Ok(());
        }
        let message = format!(
            "the picture takes more than {:?} to work on (limits.time): send a smaller one",
            self.limit
        );
        Err(Error::new(code::EXPIRED, message))
    }
}

/// What a picture's file and its pipeline ask for, as far as memory goes. Nothing of it is
/// believed beyond what the limits on pixels have let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// The size of the file in bytes.
    pub file: u64,
    /// The size in pixels as stored.
    pub stored: (u32, u32),
    /// What the decoder keeps of the whole picture beside its pixels.
    pub kept: Kept,
    /// How much smaller the decoder makes each side: 1, 2, 4 or 8.
    pub scale: u32,
    /// Bytes that a decoded pixel takes: 1 grey, 3 RGB, 4 with alpha.
    pub channels: u32,
    /// The largest size in pixels that the picture has after it was decoded: zoomed, or made by a
    /// step.
    pub output: (u32, u32),
    /// How many decoded frames are held at once; at least 1.
    pub frames: u32,
}

/// What a decoder keeps of the whole picture beside its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Some rows alone: baseline JPEG, PNG.
    Rows,
    /// All coefficients, two bytes each: progressive JPEG, with so many hundredths of a sample for
    /// each pixel: 100 grey, 150 for 4:2:0, 200 for 4:2:2, 300 for 4:4:4, 400 for CMYK.
    Coefficients(u16),
    /// So many bytes for each stored pixel: 4 for lossless WebP and a GIF's canvas, 2 for lossy
    /// WebP's planes.
    Pixels(u32),
}

/// What everything else takes: tables, rows, and the answer.
const OVERHEAD: u64 = 256 << 10;

/// The most bytes that working on such a picture takes at once, beside its message.
///
/// That is the largest of its stages: decoding (the file out of its base64, what the decoder
/// keeps, and the pixels), resizing (pixels before and after, and the rows between), a step
/// (before and after), encoding (pixels, and a file that is no larger).
#[must_use]
pub fn estimate(demand: &Demand) -> u64 {
    let Demand { file, stored: (width, height), kept, scale, channels, output, frames } = *demand;
    let (channels, frames) = (u64::from(channels), u64::from(frames.max(1)));
    let scale = scale.max(1);
    let (decoded_width, decoded_height) = (width.div_ceil(scale), height.div_ceil(scale));
    let decoded = area((decoded_width, decoded_height)).saturating_mul(channels * frames);
    let made = area(output).saturating_mul(channels * frames);
    let resized = output != (decoded_width, decoded_height);

    let decoding = decoded.saturating_add(kept.bytes((width, height)));
    // Across first, then down: what is between is as wide as the result and as high as it was.
    let between = area((output.0, decoded_height)).saturating_mul(channels);
    let resizing = decoded.saturating_add(made).saturating_add(between);
    let stepping = made.saturating_mul(2);
    let most = decoding.max(stepping).max(if resized { resizing } else { 0 });
    most.saturating_add(file).saturating_add(OVERHEAD)
}

impl Kept {
    fn bytes(self, (width, height): (u32, u32)) -> u64 {
        match self {
            Self::Rows => u64::from(width) * 64,
            Self::Pixels(bytes) => area((width, height)).saturating_mul(bytes.into()),
            Self::Coefficients(hundredths) => {
                // The coarsest component comes in units of at most 4 × 8 pixels.
                let whole = (fill(width), fill(height));
                area(whole).saturating_mul(2 * u64::from(hundredths)) / 100
            }
        }
    }
}

/// Reads `limits.in_flight`: at least 1 MiB, at most 4 TiB.
///
/// # Errors
/// For a size outside of these.
pub fn in_flight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
    let size = Size::deserialize(deserializer)?;
    if (1 << 20..=u64::from(u32::MAX) * UNIT).contains(&size.bytes()) {
        return Ok(size);
    }
    Err(D::Error::custom(format!("{size} for pictures under way\nit is 1MiB to 4095GiB")))
}

/// Reads `limits.time`: above 0.
///
/// # Errors
/// For none at all.
pub fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let time = Time::deserialize(deserializer)?;
    if time > Time::default() {
        return Ok(time);
    }
    Err(D::Error::custom("no time to work in\nwrite how long one picture may take: \"10s\""))
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

/// In a unit that a person reads: whole MiB, rounded up.
fn rounded(bytes: u64) -> Size {
    Size::new(bytes.div_ceil(1 << 20).saturating_mul(1 << 20))
}

/// Whole units of 32 pixels.
fn fill(side: u32) -> u32 {
    side.div_ceil(32).saturating_mul(32)
}

fn area((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}
