//! An estimate of the memory that the work on a picture takes, from the properties of its file.

/// The facts about a picture that are known before it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// The file's length, and the memory for the tables of its colour profile, in bytes.
    pub file: u64,
    /// The size to which it is decoded.
    pub decoded: (u32, u32),
    /// The samples of a pixel, one byte each, in hundredths: 300 for RGB.
    pub samples: u32,
    /// Further memory of the decoder, in bytes.
    pub held: u64,
    /// The size to which it is resized.
    pub size: (u32, u32),
    /// The largest size that a step makes of it.
    pub largest: (u32, u32),
    /// Further memory of the encoder, in bytes.
    pub encoder: u64,
}

/// Memory that the work takes for every picture: tables, and the file that is written.
const OVERHEAD: u64 = 256 << 10;

impl Demand {
    /// The most memory that the work on a picture takes at a time, in bytes: while it is decoded,
    /// resized, changed by a step into another picture, or encoded.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let Self { file, decoded, samples, held, size, largest, encoder } = *self;
        let bytes = |size| (area(size).saturating_mul(samples.into()) / 100).max(area(size));
        let decoding = bytes(decoded).saturating_add(held);
        // Across first, then down: in between, the picture has the new width and the old height.
        let between = if size == decoded { 0 } else { bytes((size.0, decoded.1)) };
        let resizing = bytes(decoded).saturating_add(bytes(size)).saturating_add(between);
        let resizing = if size == decoded { 0 } else { resizing };
        let stepping = bytes(largest).saturating_mul(2);
        let encoding = bytes(largest).saturating_add(encoder);
        let most = decoding.max(resizing).max(stepping).max(encoding);
        most.saturating_add(file).saturating_add(OVERHEAD)
    }
}

fn area((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_picture_is_taken_for_its_largest_stage() {
        const PIXELS: u64 = 4000 * 3000;
        let (whole, half) = ((4000, 3000), (2000, 1500));
        let jpeg = Demand {
            file: 3_000_000,
            decoded: whole,
            samples: 300,
            held: 0,
            size: whole,
            largest: whole,
            encoder: 0,
        };
        let table = [
            ("a step holds it twice", jpeg, 2 * 3 * PIXELS),
            (
                "resizing holds it before, after and between",
                Demand { size: half, largest: half, ..jpeg },
                3 * PIXELS + 3 * PIXELS / 4 + 3 * 2000 * 3000,
            ),
            (
                "made smaller as it is decoded",
                Demand { decoded: half, size: half, largest: half, ..jpeg },
                2 * 3 * PIXELS / 4,
            ),
            (
                "the same as planes",
                Demand { samples: 150, decoded: half, size: half, largest: half, ..jpeg },
                2 * 3 * PIXELS / 8,
            ),
            ("progressive", Demand { held: 9 * PIXELS, ..jpeg }, (3 + 9) * PIXELS),
            (
                "enlarged",
                Demand { decoded: (400, 300), ..jpeg },
                // A step's two pictures are more than the three of resizing.
                2 * 3 * PIXELS,
            ),
            ("encoded by one that holds much", Demand { encoder: 8 * PIXELS, ..jpeg }, 11 * PIXELS),
            ("padded", Demand { decoded: half, size: half, ..jpeg }, 2 * 3 * PIXELS),
        ];
        for (case, demand, expected) in table {
            assert_eq!(demand.bytes(), expected + demand.file + OVERHEAD, "{case}");
        }
    }

    #[test]
    fn no_claim_is_too_large_to_estimate() {
        let most = (u32::MAX, u32::MAX);
        let (file, held, samples) = (u64::MAX, u64::MAX, u32::MAX);
        let demand =
            Demand { file, decoded: most, samples, held, size: most, largest: most, encoder: held };
        assert_eq!(demand.bytes(), u64::MAX);
    }
}
