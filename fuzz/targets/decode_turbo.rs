//! Any file, decoded by libjpeg-turbo, and by the codecs in Rust where libjpeg-turbo leaves it to
//! them.
#![no_main]

use imaging::Codec;

libfuzzer_sys::fuzz_target!(|file: &[u8]| waterway_fuzz::decode(Codec::Turbo, file));
