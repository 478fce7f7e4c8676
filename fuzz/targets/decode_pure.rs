//! Any file, decoded by the codecs in Rust.
#![no_main]

use imaging::Codec;

libfuzzer_sys::fuzz_target!(|file: &[u8]| waterway_fuzz::decode(Codec::Pure, file));
