//! Any file by libjpeg-turbo and what it leaves to the codecs in Rust.
#![no_main]

use waterway_consumers::image::codec;

libfuzzer_sys::fuzz_target!(|file: &[u8]| waterway_fuzz::decode(codec::turbo(), file));
