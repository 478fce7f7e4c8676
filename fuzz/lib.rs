//! What the targets share: a file goes through a codec as it does in the service, in every form.

use waterway_consumers::image::codec::{Codec, Encoding, Format, Limits, Probe, Wanted};
use waterway_consumers::image::picture::Picture;

/// Small enough for many runs a second, large enough for blocks, planes and rows to matter.
#[must_use]
pub fn limits() -> Limits {
    Limits { pixels: 1 << 20, side: 4096, ..Limits::default() }
}

/// Work, in pixels of all scans, up to which a file is decoded in every form; of a larger one a
/// form is chosen by its bytes.
const SMALL: u64 = 1 << 15;

/// Decodes a file in the forms that can be wanted, and writes what came as each format.
///
/// # Panics
/// When a picture comes in another size than was wanted, or cannot be written or read again.
pub fn decode(codec: &dyn Codec, file: &[u8]) {
    let Ok(probe) = codec.probe(file) else { return };
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

fn forms(probe: &Probe) -> Vec<Wanted> {
    let shrunk: &[u32] = if probe.format == Format::Jpeg { &[1, 2, 4, 8] } else { &[1] };
    let kinds = [(false, false), (true, false), (false, true), (true, true)];
    let of = |&shrunk: &u32| kinds.map(|(grey, planes)| Wanted { shrunk, grey, planes });
    shrunk.iter().flat_map(of).collect()
}

fn through(codec: &dyn Codec, file: &[u8], probe: &Probe, wanted: Wanted, encoding: usize) {
    let Ok(picture) = codec.decode(file, probe, wanted) else { return };
    let (width, height) = probe.stored();
    let shrunk = (width.div_ceil(wanted.shrunk), height.div_ceil(wanted.shrunk));
    assert!(
        [shrunk, (width, height)].contains(&picture.size()),
        "{wanted:?}: {:?}",
        picture.size()
    );
    let encoding = match (&picture, encoding % 4) {
        // Lossless formats are written of pixels; a lossless WebP takes its time.
        (Picture::Planes(_), _) | (_, 0 | 1) => Encoding::Jpeg(95),
        (_, 2) => Encoding::Png,
        (_, _) => Encoding::Webp,
    };
    let again = codec.encode(&picture, encoding, None).expect("what was decoded can be written");
    let probe = codec.probe(&again).expect("what was written can be read");
    assert_eq!((probe.size(), probe.truncated), (picture.size(), false));
    codec.decode(&again, &probe, Wanted::PIXELS).expect("what was written can be decoded");
}
