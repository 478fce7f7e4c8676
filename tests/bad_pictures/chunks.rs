//! PNG, WebP and GIF files built chunk by chunk, as no encoder would write them.

use std::sync::LazyLock;

use miniz_oxide::deflate::compress_to_vec_zlib;

use super::Bad;
use super::samples::samples;

/// A PNG of these chunks after its header, each with the right checksum.
pub(super) fn png(width: u32, height: u32, kind: [u8; 5], chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &kind].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in
        [(b"IHDR", &header[..])].iter().chain(chunks).chain(&[(b"IEND", &[][..])])
    {
        file.extend(u32::try_from(content.len()).expect("short").to_be_bytes());
        file.extend(*name);
        file.extend(*content);
        file.extend(crc(&[&name[..], content].concat()).to_be_bytes());
    }
    file
}

/// The checksum at the end of a PNG chunk (PNG, annex D).
fn crc(bytes: &[u8]) -> u32 {
    static TABLE: LazyLock<Vec<u32>> = LazyLock::new(|| {
        let bit = |sum: u32, _| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 };
        (0..256).map(|byte| (0..8).fold(byte, bit)).collect()
    });
    let table = TABLE.as_slice();
    !bytes
        .iter()
        .fold(u32::MAX, |sum, byte| table[usize::from(sum.to_le_bytes()[0] ^ byte)] ^ (sum >> 8))
}

/// Data that inflates to this number of zeros.
pub(super) fn zeros(count: usize) -> Vec<u8> {
    compress_to_vec_zlib(&vec![0; count], 6)
}

/// RGB of eight bits a channel.
const RGB: [u8; 5] = [8, 2, 0, 0, 0];

pub(super) fn pngs() -> Vec<Bad> {
    let mut bad = Vec::new();
    let mut add = |name: &str, file| bad.push(Bad::everywhere(name.to_owned(), file));
    let small = zeros(64 * (64 * 3 + 1));
    let bomb = zeros(24 << 20);
    let profile = [&b"p\0\0"[..], &bomb].concat();
    let text = [&b"Comment\0\0"[..], &bomb].concat();
    let international = [&b"Comment\0\x01\0\0\0"[..], &bomb].concat();
    add("24 MB in IDAT for 64 × 64 pixels", png(64, 64, RGB, &[(b"IDAT", &bomb)]));
    add("24 MB in iCCP", png(64, 64, RGB, &[(b"iCCP", &profile), (b"IDAT", &small)]));
    add("24 MB in zTXt", png(64, 64, RGB, &[(b"zTXt", &text), (b"IDAT", &small)]));
    add("24 MB in iTXt", png(64, 64, RGB, &[(b"iTXt", &international), (b"IDAT", &small)]));
    let many: Vec<(&[u8; 4], &[u8])> = vec![(b"zTXt", &text); 20];
    add("24 MB in zTXt, 20 times", png(64, 64, RGB, &[&many[..], &[(b"IDAT", &small)]].concat()));
    for (width, height) in [
        (30_000, 30_000),
        (u32::MAX, u32::MAX),
        (0x7FFF_FFFF, 1),
        (65_536, 1),
        (65_535, 3),
        (3, 65_535),
        (0, 5),
    ] {
        let file = png(width, height, RGB, &[(b"IDAT", &small)]);
        add(&format!("{width} × {height} pixels in few bytes"), file);
    }
    // The most that a picture within the limits can be: 16 bits with alpha, in seven passes.
    let rows = zeros(460 * (500 * 8 + 1) + 30_000);
    add("500 × 460 pixels of 16 bits", png(500, 460, [16, 6, 0, 0, 0], &[(b"IDAT", &rows)]));
    add("… in seven passes", png(500, 460, [16, 6, 0, 0, 1], &[(b"IDAT", &rows)]));
    add("… of a bit each", png(500, 460, [1, 0, 0, 0, 1], &[(b"IDAT", &rows)]));
    for (name, palette) in
        [("none", &[][..]), ("two bytes", &[0; 2]), ("257", &[7; 771]), ("one", &[7; 3])]
    {
        let data = zeros(64 * 65);
        let file = png(64, 64, [8, 3, 0, 0, 0], &[(b"PLTE", palette), (b"IDAT", &data)]);
        add(&format!("a palette: {name}"), file);
    }
    let alpha =
        png(9, 9, [8, 3, 0, 0, 0], &[(b"tRNS", &[1; 300]), (b"PLTE", &[1; 9]), (b"IDAT", &small)]);
    add("more alpha than palette, and before it", alpha);
    let single: Vec<(&[u8; 4], &[u8])> = small.chunks(1).map(|byte| (b"IDAT", byte)).collect();
    add("a byte in each IDAT", png(64, 64, RGB, &single));
    let empty: Vec<(&[u8; 4], &[u8])> = vec![(b"IDAT", &[]); 50_000];
    add("50,000 empty IDATs", png(64, 64, RGB, &empty));
    add("two headers", png(8, 8, RGB, &[(b"IHDR", &[0xFF; 13]), (b"IDAT", &small)]));
    for frames in [0, 1, 1001, u32::MAX] {
        let control = [frames.to_be_bytes(), [0; 4]].concat();
        let file = png(64, 64, RGB, &[(b"acTL", &control), (b"IDAT", &small)]);
        add(&format!("says it has {frames} frames"), file);
    }
    let frame = [&[0; 4][..], &[0xFF; 16], &[0, 1, 0, 1, 0, 0]].concat();
    let control = [0, 0, 0, 2, 0, 0, 0, 0];
    let file = png(64, 64, RGB, &[(b"acTL", &control), (b"fcTL", &frame), (b"IDAT", &small)]);
    add("a first frame of 4294967295²", file);
    for depth in 0..=17 {
        for colour in 0..=7 {
            let file =
                png(33, 33, [depth, colour, 0, 0, 0], &[(b"PLTE", &[9; 30]), (b"IDAT", &small)]);
            bad.push(Bad::new(format!("depth {depth}, colour {colour}"), file));
        }
    }
    bad
}

pub(super) fn webp(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let body: Vec<u8> = chunks.iter().flat_map(|(name, content)| riff(**name, content)).collect();
    riff(*b"RIFF", &[b"WEBP", &body[..]].concat())
}

pub(super) fn riff(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("short").to_le_bytes();
    [&name[..], &length, content, &vec![0; content.len() % 2]].concat()
}

/// A VP8X header with these flags and this size of the canvas.
pub(super) fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    [vec![flags, 0, 0, 0], side(width), side(height)].concat()
}

/// A picture of one colour: its pixels take 0 bits.
pub(super) fn vp8l(width: u32, height: u32) -> Vec<u8> {
    let sides = (width - 1) | (height - 1) << 14;
    [&[0x2F][..], &sides.to_le_bytes(), &[0b1000_1000, 0x88, 0x88, 0x08, 0, 0, 0, 0]].concat()
}

/// A picture of one pixel that claims to use the last of `groups` groups of prefix codes and
/// contains them all. Each group has five codes with tables of the largest size.
fn grouped(groups: u32) -> Vec<u8> {
    let (no, yes) = ((0, 1), (1, 1));
    let mut bits = Bits::default();
    // Both sides minus 1, no transparency, version 0, no transforms, no colour cache.
    bits.put(&[(0, 14), (0, 14), no, (0, 3), no, no]);
    // A picture with a group's number for each 4 × 4 pixels: one pixel, without a cache.
    bits.put(&[yes, (0, 3), no]);
    for symbol in [(groups - 1) & 0xFF, (groups - 1) >> 8, 0, 0, 0] {
        bits.put(&[yes, no, yes, (symbol, 8)]);
    }
    // The lengths 1 to 10 are written in three or four bits each. The second symbol of length 10
    // completes the code, so the table has an entry for every ten bits.
    let mut code = Bits::default();
    code.put(&[no, (10, 4)]);
    for length in [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10] {
        code.put(&[(
            if (1..=6).contains(&length) { 3 } else { u32::from((7..=10).contains(&length)) * 4 },
            3,
        )]);
    }
    code.put(&[yes, (1, 3), (9, 4)]);
    for length in (1..=10).chain([10]) {
        let (number, count) = if length <= 6 { (length - 1, 3) } else { (length + 5, 4) };
        for place in (0..count).rev() {
            code.put(&[(number >> place & 1, 1)]);
        }
    }
    for _ in 0..groups * 5 {
        bits.0.extend(&code.0);
    }
    bits.0.resize(bits.0.len() + 4000, false);
    let bytes = bits
        .0
        .chunks(8)
        .map(|byte| (0..).zip(byte).map(|(place, bit)| u8::from(*bit) << place).sum::<u8>());
    [0x2F].into_iter().chain(bytes).collect()
}

/// Numbers in a row, each written from its lowest bit up.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, numbers: &[(u32, u32)]) {
        for &(number, count) in numbers {
            self.0.extend((0..count).map(|place| number >> place & 1 == 1));
        }
    }
}

pub(super) fn webps() -> Vec<Bad> {
    const ANIMATED: u8 = 2;
    const TRANSPARENT: u8 = 16;
    let mut bad = Vec::new();
    let mut add = |name: &str, file| bad.push(Bad::everywhere(name.to_owned(), file));
    for (width, height) in [(500, 460), (16_383, 14), (16_384, 16_384), (1, 1)] {
        add(&format!("one colour, {width} × {height}"), webp(&[(b"VP8L", &vp8l(width, height))]));
        let canvas = vp8x(0, width, height);
        let file = webp(&[(b"VP8X", &canvas), (b"VP8L", &vp8l(16, 16))]);
        add(&format!("16 × 16 on a canvas of {width} × {height}"), file);
        let file = webp(&[(b"VP8X", &vp8x(0, 1, 1)), (b"VP8L", &vp8l(width, height))]);
        add(&format!("{width} × {height} on a canvas of 1 × 1"), file);
        let lossy = [0x10, 0, 0, 0x9D, 1, 0x2A];
        let sides =
            [u16::try_from(width), u16::try_from(height)].map(|side| side.unwrap_or(0x3FFF));
        let [w, h] = sides.map(u16::to_le_bytes);
        for data in [&[0; 40][..], &[0xFF; 40], &[0x5A; 4000]] {
            let file = webp(&[(b"VP8 ", &[&lossy[..], &w, &h, data].concat())]);
            add(&format!("lossy, {width} × {height} of {} bytes", data.len()), file);
        }
    }
    add("a canvas of 16777216²", webp(&[(b"VP8X", &[0, 0, 0, 0, 255, 255, 255, 255, 255, 255])]));
    // Each within the previous one, as deep as a few hundred kilobytes allow.
    let picture = vp8l(16, 16);
    let mut nested = Vec::new();
    for level in 0..20_000 {
        let rest = (20_000 - level) * 24 - 8 + picture.len();
        nested.extend(b"ANMF");
        nested.extend(u32::try_from(rest).expect("short").to_le_bytes());
        nested.extend([0; 16]);
    }
    nested.extend(&picture);
    let head = riff(*b"VP8X", &vp8x(ANIMATED, 16, 16));
    let anim = riff(*b"ANIM", &[0; 6]);
    add("20,000 frames in frames", riff(*b"RIFF", &[b"WEBP", &head[..], &anim, &nested].concat()));
    let frame =
        [&[0; 6][..], &[15, 0, 0, 15, 0, 0, 1, 0, 0, 0], &riff(*b"VP8L", &vp8l(16, 16))].concat();
    let frames: Vec<(&[u8; 4], &[u8])> = vec![(b"ANMF", &frame); 3000];
    let canvas = vp8x(ANIMATED, 16, 16);
    let start: [(&[u8; 4], &[u8]); 2] = [(b"VP8X", &canvas), (b"ANIM", &[0; 6])];
    add("3000 frames", webp(&[&start[..], &frames].concat()));
    let canvas = vp8x(ANIMATED, 500, 460);
    let start: [(&[u8; 4], &[u8]); 2] = [(b"VP8X", &canvas), (b"ANIM", &[0; 6])];
    add("900 small frames on a large canvas", webp(&[&start[..], &frames[..900]].concat()));
    for groups in [2, 256, 65_536] {
        let stream = grouped(groups);
        add(&format!("{groups} groups of codes for one pixel"), webp(&[(b"VP8L", &stream)]));
        // The same as the transparency of a lossy picture, which has no header of its own.
        let alpha = [&[1][..], &stream[5..]].concat();
        let canvas = vp8x(TRANSPARENT, 1, 1);
        let lossy = [0x10, 0, 0, 0x9D, 1, 0x2A, 1, 0, 1, 0, 0, 0, 0, 0];
        let file = webp(&[(b"VP8X", &canvas), (b"ALPH", &alpha), (b"VP8 ", &lossy)]);
        add(&format!("{groups} groups of codes for one pixel's transparency"), file);
    }
    let mut long = webp(&[(b"VP8L", &vp8l(64, 64))]);
    long[4..8].fill(0xFF);
    long[16..20].fill(0xFF);
    add("lengths of 4 GB", long);
    bad
}

pub(super) fn gif(canvas: (u16, u16), frame: (u16, u16), codes: &[u8], frames: usize) -> Vec<u8> {
    let side = u16::to_le_bytes;
    let mut file = [&b"GIF89a"[..], &side(canvas.0), &side(canvas.1), &[0x80, 0, 0]].concat();
    file.extend([0, 0, 0, 255, 255, 255]);
    for _ in 0..frames {
        file.extend([&b",\0\0\0\0"[..], &side(frame.0), &side(frame.1), &[0, 2]].concat());
        for block in codes.chunks(255) {
            file.push(u8::try_from(block.len()).expect("a block is short"));
            file.extend(block);
        }
        file.push(0);
    }
    file.push(b';');
    file
}

pub(super) fn gifs() -> Vec<Bad> {
    let mut bad = Vec::new();
    let mut add = |name: &str, file| bad.push(Bad::everywhere(name.to_owned(), file));
    let one_colour = samples().iter().find(|(name, _)| name == "gif").expect("one is there");
    // Each code means one pixel more than the previous code.
    let growing: Vec<u8> = (0..60_000_u32).map(|at| (at * 37 % 251).to_le_bytes()[0]).collect();
    let (zeros, ones) = (vec![0; 50_000], vec![0xFF; 50_000]);
    add("unchanged", one_colour.1.clone());
    for (canvas, frame) in [
        ((30_000, 30_000), (30_000, 30_000)),
        ((65_535, 65_535), (1, 1)),
        ((10, 10), (65_535, 65_535)),
        ((500, 460), (500, 460)),
        ((500, 460), (0, 0)),
        ((65_535, 3), (65_535, 3)),
        ((0, 0), (3, 65_535)),
        ((10, 10), (500, 460)),
        ((0, 0), (10, 10)),
    ] {
        for codes in [&[4, 1, 5][..], &growing, &zeros, &ones] {
            let file = gif(canvas, frame, codes, 1);
            add(&format!("{frame:?} on {canvas:?}, {} bytes", codes.len()), file);
        }
    }
    add("5000 frames", gif((64, 64), (64, 64), &[4, 1, 5], 5000));
    add("900 frames", gif((500, 460), (1, 1), &[4, 1, 5], 900));
    // The beginning of the file does not say how large it is.
    let mut late = gif((1, 1), (500, 460), &[4, 1, 5], 1);
    let comment = [&b"!\xFE"[..], &[&[250][..], &[7; 250]].concat().repeat(100), b"\0"].concat();
    late.splice(19..19, comment);
    add("500 × 460 pixels behind 25,000 bytes", late);
    add("stray bytes", [&gif((1, 1), (1, 1), &[], 0)[..19], &vec![7; 4 << 20]].concat());
    add("no frame", gif((64, 64), (64, 64), &[], 0));
    for size in 0..=255 {
        let mut file = gif((64, 64), (64, 64), &growing[..600], 1);
        // The position of the code size.
        file[29] = size;
        bad.push(Bad::new(format!("codes of {size} bits"), file));
    }
    bad
}
