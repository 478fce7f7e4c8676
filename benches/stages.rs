//! The stages of a picture apart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytestring::ByteString;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use image::DynamicImage;
use waterway_consumers::image::codec::{self, Encoding, Format, Limits};
use waterway_consumers::image::framing::TEXT_HEADER;
use waterway_consumers::image::{Frame, Store};

use super::photo::{SIZES, Size};

#[divan::bench(args = SIZES)]
fn base64(bencher: Bencher<'_, '_>, size: Size) {
    let header = " ".repeat(TEXT_HEADER);
    let message = ByteString::from(format!("{header}{}", STANDARD.encode(size.file())));
    bencher.counter(BytesCount::new(message.len())).bench(|| {
        let parts = Frame::Text(&message).split().expect("it has a header");
        parts.body.picture().expect("it is base64")
    });
}

#[divan::bench(args = SIZES)]
fn decode(bencher: Bencher<'_, '_>, size: Size) {
    bencher.bench(|| decoded(black_box(size.file())));
}

#[divan::bench(args = SIZES)]
fn encode(bencher: Bencher<'_, '_>, size: Size) {
    let picture = decoded(size.file());
    let encoding = Encoding::like(Format::Jpeg);
    bencher.bench(|| codec::built_in().encode(&picture, encoding).expect("it can be written"));
}

#[divan::bench(args = SIZES)]
fn write(bencher: Bencher<'_, '_>, size: Size) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::new(folder.path(), "");
    bencher.bench(|| store.keep("rb_picture.jpg", size.file()).expect("the disk takes it"));
}

fn decoded(file: &[u8]) -> DynamicImage {
    codec::built_in().decode(file, &Limits::default()).expect("a photo").picture
}
