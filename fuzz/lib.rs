//! Shared by the targets: a file goes through a codec as it does in the service, in every form.

use imaging::{Codec, DecodeOptions, Encoding, Format, Limits, Picture, Probe, Worker};

/// Small enough for many runs a second, and large enough for several blocks, planes and rows.
#[must_use]
pub fn limits() -> Limits {
    Limits { pixels: 1 << 20, side: 4096, ..Limits::default() }
}

/// The bytes that a worker keeps from one picture to the next.
const BUFFERS: usize = 1 << 20;

/// The most pixels, over all scans, with which a file is decoded in every form. A larger file is
/// decoded in one form, which its bytes choose.
const SMALL: u64 = 1 << 15;

/// Decodes a file in every form that the service may ask for, and encodes the picture in each
/// format.
///
/// # Panics
/// When a picture has another size than the options ask for, or cannot be encoded, or decoded
/// again.
pub fn decode(codec: Codec, file: &[u8]) {
    let Ok(probe) = imaging::probe(file) else { return };
    if limits().check(&probe).is_err() {
        return;
    }
    let forms = forms(&probe);
    let chosen: usize = file.iter().map(|&byte| usize::from(byte)).sum();
    if probe.pixels() * u64::from(probe.scans) <= SMALL {
        forms
            .iter()
            .enumerate()
            .for_each(|(at, form)| through(codec, file, &probe, *form, chosen + at));
    } else {
        through(codec, file, &probe, forms[chosen % forms.len()], chosen / forms.len());
    }
}

fn forms(probe: &Probe) -> Vec<DecodeOptions> {
    let scale: &[u32] = if probe.format == Format::Jpeg { &[1, 2, 4, 8] } else { &[1] };
    let kinds = [(false, false), (true, false), (false, true), (true, true)];
    let of = |&scale: &u32| kinds.map(|(grey, planes)| DecodeOptions { scale, grey, planes });
    scale.iter().flat_map(of).collect()
}

fn through(codec: Codec, file: &[u8], probe: &Probe, options: DecodeOptions, encoding: usize) {
    let mut worker = Worker::with_codec(codec, BUFFERS);
    let Ok(picture) = worker.decode(file, probe, options) else { return };
    let (width, height) = probe.stored();
    let scale = (width.div_ceil(options.scale), height.div_ceil(options.scale));
    assert!(
        [scale, (width, height)].contains(&picture.size()),
        "{options:?}: {:?}",
        picture.size()
    );
    let encoding = match (&picture, encoding % 4) {
        // The lossless formats encode pixels. A lossless WebP is slow.
        (Picture::Planes(_), _) | (_, 0 | 1) => Encoding::Jpeg(95),
        (_, 2) => Encoding::Png,
        (_, _) => Encoding::Webp,
    };
    let again = worker.encode(&picture, encoding, None).expect("a decoded picture can be encoded");
    let probe = imaging::probe(&again).expect("an encoded picture can be read");
    assert_eq!((probe.size(), probe.truncated), (picture.size(), false));
    worker.decode(&again, &probe, DecodeOptions::PIXELS).expect("an encoded picture can be decoded");
}
