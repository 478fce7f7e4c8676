//! The stages of a picture apart.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use divan::Bencher;
use divan::counter::BytesCount;
use futures_util::FutureExt;
use image::DynamicImage;
use image::metadata::Orientation;
use waterway_consumers::image::Frame;
use waterway_consumers::image::codec::{self, Codec, Encoding, Format, Limits, Wanted};
use waterway_consumers::image::framing::TEXT_HEADER;
use waterway_consumers::image::geometry::Geometry;
use waterway_consumers::image::picture::Picture;
use waterway_consumers::image::work::{Source, Work};
use waterway_consumers::storage::{Address, Storage, Store};

use super::photo::{Case, SIZES, Size, cases};

#[divan::bench(args = SIZES)]
fn base64(bencher: Bencher<'_, '_>, size: Size) {
    let header = " ".repeat(TEXT_HEADER);
    let message = format!("{header}{}", STANDARD.encode(size.file()));
    bencher.counter(BytesCount::new(message.len())).bench(|| {
        let parts = Frame::Text(&message).split().expect("it has a header");
        parts.body.picture().expect("it is base64")
    });
}

/// As planes where the codec can, and shrunk where it can.
#[divan::bench(args = decodings())]
fn decode(bencher: Bencher<'_, '_>, decoding: &Decoding) {
    bencher.bench(|| decoding.run());
}

/// As pixels; planes are resized within the whole job.
#[divan::bench(args = cases().filter(|case| case.zoomed() != case.size.sides()))]
fn resize(bencher: Bencher<'_, '_>, case: Case) {
    let limits = Limits::default();
    let picture = codec::pixels(case.size.file(), &limits).expect("a photo");
    let size = (picture.width(), picture.height());
    let source =
        Source { format: Format::Jpeg, size, orientation: Orientation::NoTransforms, exif: None };
    let geometry = Geometry::resized(size, case.zoomed());
    let work = |picture: DynamicImage| Work::new(picture, &source, &limits);
    bencher
        .with_inputs(|| work(picture.clone()))
        .bench_refs(|work| work.reshape("zoom", &geometry).expect("within the limits"));
}

/// What decoding gave: planes where it gave planes.
#[divan::bench(args = decodings().filter(|decoding| decoding.shrunk == 1))]
fn encode(bencher: Bencher<'_, '_>, decoding: &Decoding) {
    let picture = decoding.run();
    let encoding = Encoding::Jpeg(Encoding::JPEG_QUALITY);
    bencher.bench(|| {
        decoding.codec.encode(&picture, encoding, None).expect("a JPEG holds any such picture")
    });
}

#[divan::bench(args = SIZES)]
fn write(bencher: Bencher<'_, '_>, size: Size) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::new(Storage::folder(folder.path()), Address::default(), "");
    bencher.bench(|| {
        let kept = store.keep("rb_picture.jpg", size.file()).now_or_never();
        kept.expect("a folder makes nobody wait").expect("the disk takes it").commit();
    });
}

/// A photo to decode, and how.
struct Decoding {
    name: &'static str,
    codec: &'static dyn Codec,
    size: Size,
    shrunk: u32,
}

impl Decoding {
    fn run(&self) -> Picture {
        let file = self.size.file();
        let probe = self.codec.probe(file).expect("a photo");
        let wanted = Wanted { shrunk: self.shrunk, grey: false, planes: true };
        self.codec.decode(file, &probe, wanted).expect("a photo")
    }
}

impl fmt::Display for Decoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, 1/{}", self.name, self.size, self.shrunk)
    }
}

/// Every size, by each codec that is built in, at its full size and shrunk.
fn decodings() -> impl Iterator<Item = Decoding> {
    codecs().into_iter().flat_map(|(name, codec)| {
        SIZES.into_iter().flat_map(move |size| {
            [1, 2, 4].into_iter().map(move |shrunk| Decoding { name, codec, size, shrunk })
        })
    })
}

fn codecs() -> Vec<(&'static str, &'static dyn Codec)> {
    vec![
        ("pure", codec::pure()),
        #[cfg(feature = "turbo")]
        ("turbo", codec::turbo()),
    ]
}
