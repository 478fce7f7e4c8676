//! JPEG files built segment by segment, as no encoder would write them.

use super::Bad;
use super::samples::{at_marker, samples};

/// A file of a frame and scans. Its tables have two codes: `0` is the symbol 0 (no difference, the
/// end of a block) and `10` is a run of up to 32767 empty blocks.
pub(super) struct Jpeg(Vec<u8>);

const SOF_PROGRESSIVE: u8 = 0xC2;
const SOF_ARITHMETIC: u8 = 0xC9;
const SOF_ARITHMETIC_PROGRESSIVE: u8 = 0xCA;

impl Jpeg {
    /// A frame with a component for each byte of `sampling`, whose two halves are its sampling
    /// factors.
    pub(super) fn new(sof: u8, (width, height): (u16, u16), sampling: &[u8]) -> Self {
        let mut jpeg = Self(vec![0xFF, 0xD8]);
        jpeg.segment(0xDB, &[&[0][..], &[1; 64]].concat());
        let [w, h] = [width, height].map(u16::to_be_bytes);
        let components = u8::try_from(sampling.len()).expect("a few");
        let mut frame = vec![8, h[0], h[1], w[0], w[1], components];
        for (name, factors) in (1..=u8::MAX).zip(sampling) {
            frame.extend([name, *factors, 0]);
        }
        jpeg.segment(sof, &frame);
        let mut tables = Vec::new();
        for (kind, symbols) in [(0x00, [0, 1]), (0x10, [0, 0xE0])] {
            tables.push(kind);
            tables.extend([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            tables.extend(symbols);
        }
        jpeg.segment(0xC4, &tables);
        jpeg
    }

    pub(super) fn segment(&mut self, marker: u8, content: &[u8]) {
        let length = u16::try_from(content.len() + 2).expect("a segment is short");
        self.0.extend([0xFF, marker]);
        self.0.extend(length.to_be_bytes());
        self.0.extend(content);
    }

    /// A scan of the coefficients `from..=to` of these components. `bits` is the byte that names
    /// the bits it holds (Ah and Al; T.81, B.2.3).
    pub(super) fn scan(&mut self, components: &[u8], (from, to): (u8, u8), bits: u8, data: &[u8]) {
        let mut head = vec![u8::try_from(components.len()).expect("a few")];
        head.extend(components.iter().flat_map(|name| [*name, 0]));
        head.extend([from, to, bits]);
        self.segment(0xDA, &head);
        self.0.extend(data);
    }

    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.extend([0xFF, 0xD9]);
        self.0
    }
}

/// A large picture in few bytes that a decoder must go over again and again.
pub(super) fn many_scans(sof: u8, size: (u16, u16), sampling: &[u8], scans: usize) -> Vec<u8> {
    let mut jpeg = Jpeg::new(sof, size, sampling);
    let all: Vec<u8> = (1..=u8::MAX).take(sampling.len()).collect();
    // Brightness, then each coefficient's bits, a scan for each bit from the 13th down. All of it
    // is legal, and half of the scans are the slowest kind for decoders.
    jpeg.scan(&all, (0, 0), 0, &[0; 4]);
    let refinements = (1..=63_u8).flat_map(|at| {
        (0..14_u8).rev().map(move |bit| (at, if bit == 13 { bit } else { (bit + 1) << 4 | bit }))
    });
    for (at, bits) in refinements.take(scans - 1) {
        // One run of 32767 blocks; the rest of the data is missing.
        jpeg.scan(&[1], (at, at), bits, &[0b1011_1111, 0b1111_1111, 0, 0b1111_1111, 0]);
    }
    jpeg.end()
}

const COLOUR: [u8; 3] = [0x22, 0x11, 0x11];

pub(super) fn bombs() -> Vec<Bad> {
    let mut bad = Vec::new();
    let mut add = |name: String, file| bad.push(Bad::everywhere(name, file));
    for sof in [SOF_PROGRESSIVE, SOF_ARITHMETIC_PROGRESSIVE] {
        for (size, scans) in [
            ((30_000, 30_000), 10),
            ((65_500, 65_500), 10),
            ((3000, 3000), 3000),
            // Within all limits, except perhaps that on pixels times scans.
            ((500, 460), 50),
            ((500, 460), 12),
            ((16_000, 15), 50),
            ((16, 16), 50),
        ] {
            for sampling in [&COLOUR[..], &[0x11]] {
                let file = many_scans(sof, size, sampling, scans);
                add(
                    format!("{sof:x}: {scans} scans of {size:?}, {} components", sampling.len()),
                    file,
                );
            }
        }
    }
    for sof in [0xC0, 0xC1, 0xC3, SOF_ARITHMETIC, 0xC5, 0xC7, 0xCB, 0xCF] {
        for size in [(30_000, 30_000), (500, 460), (3, 65_535), (65_535, 3), (0, 100), (100, 0)] {
            let mut jpeg = Jpeg::new(sof, size, &COLOUR);
            jpeg.scan(&[1, 2, 3], (0, 63), 0, &[0; 40]);
            add(format!("{sof:x}: {size:?} of few bytes"), jpeg.end());
        }
    }
    for (name, sampling) in [
        ("4 × 4", &[0x44, 0x11, 0x11][..]),
        ("4 × 4 each", &[0x44, 0x44, 0x44]),
        ("3 × 3", &[0x33, 0x11, 0x11]),
        ("chroma larger than luma", &[0x11, 0x22, 0x22]),
        ("1 × 4 by 4 × 1", &[0x14, 0x41, 0x11]),
        ("none", &[0x00, 0x11, 0x11]),
        ("15 × 15", &[0xFF, 0x11, 0x11]),
        ("of two", &[0x22, 0x11]),
        ("of four", &[0x22, 0x11, 0x11, 0x22]),
        ("of five", &[0x11; 5]),
        ("of 255", &[0x11; 255]),
        ("of one, 4 × 2", &[0x42]),
    ] {
        for sof in [0xC0, SOF_PROGRESSIVE] {
            let mut jpeg = Jpeg::new(sof, (480, 480), sampling);
            let last = if sof == 0xC0 { 63 } else { 0 };
            let all: Vec<u8> = (1..=4).take(sampling.len()).collect();
            jpeg.scan(&all, (0, last), 0, &[0; 3000]);
            add(format!("{sof:x}: components sampled {name}"), jpeg.end());
        }
    }
    // A baseline picture with all its data in the first scan, and thousands of further scans.
    let mut jpeg = Jpeg::new(0xC0, (1000, 1000), &COLOUR);
    (0..3000).for_each(|_| jpeg.scan(&[1, 2, 3], (0, 63), 0, &[0; 4]));
    add("a baseline of 3000 scans".into(), jpeg.end());
    let mut jpeg = Jpeg::new(0xC0, (1000, 1000), &COLOUR);
    (0..1000).flat_map(|_| [1, 2, 3]).for_each(|of| jpeg.scan(&[of], (0, 63), 0, &[0; 4]));
    add("a baseline of 3000 scans of one component".into(), jpeg.end());
    let mut jpeg = Jpeg::new(0xC0, (64, 64), &COLOUR);
    (0..30_000).for_each(|_| jpeg.segment(0xFE, b""));
    jpeg.scan(&[1, 2, 3], (0, 63), 0, &[0; 100]);
    add("30,000 comments".into(), jpeg.end());
    // Tables without codes: 17 bytes each.
    let mut jpeg = Jpeg::new(0xC0, (64, 64), &COLOUR);
    let tables = [&[0x13][..], &[0; 16]].concat().repeat(3800);
    (0..60).for_each(|_| jpeg.segment(0xC4, &tables));
    jpeg.scan(&[1, 2, 3], (0, 63), 0, &[0; 100]);
    add("228,000 Huffman tables".into(), jpeg.end());
    let mut jpeg = Jpeg::new(SOF_PROGRESSIVE, (64, 64), &COLOUR);
    jpeg.segment(SOF_PROGRESSIVE, &[8, 0x10, 0, 0x10, 0, 1, 1, 0x11, 0]);
    jpeg.scan(&[1], (0, 0), 0, &[0; 100]);
    jpeg.segment(0xC0, &[8, 0x70, 0, 0x70, 0, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]);
    jpeg.scan(&[1, 2, 3], (0, 0), 0, &[0; 100]);
    add("three frames of three sizes".into(), jpeg.end());
    bad
}

/// Wrong values in each byte of the headers of a JPEG.
pub(super) fn lies() -> Vec<Bad> {
    let mut bad = Vec::new();
    for (name, file) in samples().iter().filter(|(name, _)| name.contains("jpeg")) {
        let scan = at_marker(file, 0xDA).expect("a scan");
        let tables = at_marker(file, 0xC4).expect("tables");
        for at in (2..scan + 14).filter(|at| *at < 24 || *at > tables - 24) {
            // Only some bytes in the long middle of the tables are changed.
            if at > tables + 40 && at < scan && at % 17 != 0 {
                continue;
            }
            for value in [0, 0xFF] {
                let mut file = file.clone();
                file[at] = value;
                bad.push(Bad::new(format!("{name}: byte {at} is {value:x}"), file));
            }
        }
        let frame = at_marker(file, 0xC0).or(at_marker(file, 0xC2)).expect("a frame");
        for (what, at, value) in [
            ("12 bits", frame + 4, 12),
            ("16 bits", frame + 4, 16),
            ("lossless", frame + 1, 0xC3),
            ("arithmetic", frame + 1, SOF_ARITHMETIC),
            ("arithmetic and progressive", frame + 1, SOF_ARITHMETIC_PROGRESSIVE),
            ("progressive", frame + 1, SOF_PROGRESSIVE),
            ("extended", frame + 1, 0xC1),
            ("hierarchical", frame + 1, 0xC5),
            ("two components", frame + 9, 2),
            ("one component", frame + 9, 1),
            ("four components", frame + 9, 4),
        ] {
            let mut file = file.clone();
            file[at] = value;
            bad.push(Bad::everywhere(format!("{name} says it is {what}"), file));
        }
    }
    bad
}
