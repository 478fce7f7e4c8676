//! The stages of a picture apart.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use divan::Bencher;
use divan::counter::BytesCount;
use futures_util::FutureExt;
use imaging::{Codec, DecodeOptions, Encoding, Geometry, Limits, Picture, Worker, codec};
use waterway_consumers::image::framing::TEXT_HEADER;
use waterway_consumers::image::{Frame, Header};
use waterway_consumers::storage::{Address, Storage, Store};

use super::photo::{Case, SIZES, Size, cases};

/// The bytes that a worker keeps from one picture to the next, as in the service by default.
const BUFFERS: usize = 32 << 20;

#[divan::bench(args = SIZES)]
fn base64(bencher: Bencher<'_, '_>, size: Size) {
    let header = " ".repeat(TEXT_HEADER);
    let message = format!("{header}{}", STANDARD.encode(size.file()));
    bencher.counter(BytesCount::new(message.len())).bench(|| {
        let parts = Frame::Text(&message).split().expect("it has a header");
        parts.body.picture().expect("it is base64")
    });
}

/// The header of the text framing: read when a picture is pushed, and again by its worker.
#[divan::bench]
fn header(bencher: Bencher<'_, '_>) {
    let fields = r#"{"uuid": "0193a8e2", "offset_top": 1200, "zoom": 0.5, "rType": "rl"}"#;
    let header = format!("{fields:TEXT_HEADER$}");
    bencher.bench(|| Header::parse(&header).expect("a header"));
}

/// As planes where the codec can, and shrunk where it can.
#[divan::bench(args = decodings())]
fn decode(bencher: Bencher<'_, '_>, decoding: &Decoding) {
    let mut worker = decoding.worker();
    bencher.bench_local(|| {
        let picture = decoding.run(&mut worker);
        worker.recycle(picture);
    });
}

/// As pixels; planes are resized within the whole job.
#[divan::bench(args = cases().filter(|case| case.zoomed() != case.size.sides()))]
fn resize(bencher: Bencher<'_, '_>, case: Case) {
    let picture =
        Picture::from(codec::pixels(case.size.file(), &Limits::default()).expect("a photo"));
    let geometry = Geometry::resized(picture.size(), case.zoomed());
    let mut worker = Worker::new(BUFFERS);
    bencher.with_inputs(|| picture.clone()).bench_local_values(|picture| {
        let resized = worker.reshape(picture, &geometry).expect("there is memory");
        worker.recycle(resized);
    });
}

/// What decoding gave: planes where it gave planes.
#[divan::bench(args = decodings().filter(|decoding| decoding.scale == 1))]
fn encode(bencher: Bencher<'_, '_>, decoding: &Decoding) {
    let mut worker = decoding.worker();
    let picture = decoding.run(&mut worker);
    let encoding = Encoding::Jpeg(Encoding::JPEG_QUALITY);
    bencher.bench_local(|| {
        worker.encode(&picture, encoding, None).expect("a JPEG holds any such picture")
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
    codec: Codec,
    size: Size,
    scale: u32,
}

impl Decoding {
    fn worker(&self) -> Worker {
        Worker::with_codec(self.codec, BUFFERS)
    }

    fn run(&self, worker: &mut Worker) -> Picture {
        let file = self.size.file();
        let probe = imaging::probe(file).expect("a photo");
        let options = DecodeOptions { scale: self.scale, grey: false, planes: true };
        worker.decode(file, &probe, options).expect("a photo")
    }
}

impl fmt::Display for Decoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, 1/{}", self.name, self.size, self.scale)
    }
}

/// Every size, by each codec that is built in, at its full size and shrunk.
fn decodings() -> impl Iterator<Item = Decoding> {
    codecs().into_iter().flat_map(|(name, codec)| {
        SIZES.into_iter().flat_map(move |size| {
            [1, 2, 4].into_iter().map(move |scale| Decoding { name, codec, size, scale })
        })
    })
}

fn codecs() -> Vec<(&'static str, Codec)> {
    vec![
        ("pure", Codec::Pure),
        #[cfg(feature = "turbo")]
        ("turbo", Codec::Turbo),
    ]
}
