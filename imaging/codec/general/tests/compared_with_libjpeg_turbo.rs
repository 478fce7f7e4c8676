//! Both builds show every JPEG file of the repository alike, and many files that are made here.

use std::fs;
use std::path::Path;

use image::DynamicImage;
use jpeg_encoder::{ColorType, Encoder};
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use super::*;
use crate::samples::one_of_each;

/// The most that two decoders of one file may differ, in levels.
const MEAN_MAX: f64 = 3.0;

const WANTED: [DecodeOptions; 6] = [
    DecodeOptions::PIXELS,
    DecodeOptions { scale: 1, grey: true, planes: false },
    DecodeOptions { scale: 1, grey: false, planes: true },
    DecodeOptions { scale: 2, grey: false, planes: false },
    DecodeOptions { scale: 2, grey: false, planes: true },
    DecodeOptions { scale: 8, grey: true, planes: false },
];

fn check(name: &str, file: &[u8], options: DecodeOptions) {
    let [ours, theirs] = [Codec::Pure, Codec::Turbo].map(|codec| {
        pixels(codec, file, options)
            .unwrap_or_else(|error| panic!("{name}, {options:?}: {error:?}"))
    });
    let mean = differs(&ours, &theirs);
    assert!(mean <= MEAN_MAX, "{name}, {options:?}: {mean}");
}

#[test]
fn every_kind_comes_out_alike() {
    for (width, height) in [(41, 35), (7, 5), (1, 1)] {
        let photo = photo(width, height);
        for (kind, rare) in kinds() {
            let file = rare.write(&photo);
            let most = |of: fn(&(usize, usize)) -> usize| rare.factors.iter().map(of).max();
            let usual = most(|it| it.0) == Some(rare.factors[0].0)
                && most(|it| it.1) == Some(rare.factors[0].1);
            // With few pixels, or with brightness coarser than colour, each decoder scales with its
            // own filter.
            let forms = if usual && width > 32 { WANTED.len() } else { 1 };
            for options in WANTED.into_iter().take(forms) {
                check(&format!("{kind}, {width} × {height}"), &file, options);
            }
        }
    }
}

#[test]
fn what_libjpeg_turbo_writes_comes_out_alike() {
    let photo = photo(161, 119).to_rgb8();
    for subsamp in [
        Subsamp::None,
        Subsamp::Sub2x1,
        Subsamp::Sub2x2,
        Subsamp::Gray,
        Subsamp::Sub1x2,
        Subsamp::Sub4x1,
        Subsamp::Sub1x4,
    ] {
        for (progressive, optimized) in [(false, false), (false, true), (true, false)] {
            let mut compressor = Compressor::new().unwrap();
            compressor.set_quality(90).unwrap();
            compressor.set_subsamp(subsamp).unwrap();
            compressor.set_optimize(optimized).unwrap();
            compressor.set_progressive(progressive).unwrap();
            let image = Image {
                pixels: photo.as_raw().as_slice(),
                width: 161,
                pitch: 161 * 3,
                height: 119,
                format: PixelFormat::RGB,
            };
            let file = compressor.compress_to_vec(image).unwrap();
            for options in WANTED {
                check(&format!("{subsamp:?}, {progressive}, {optimized}"), &file, options);
            }
        }
    }
}

#[test]
fn arithmetic_coding_is_decoded_or_named() {
    let photo = photo(64, 48).to_rgb8();
    let mut compressor = Compressor::new().unwrap();
    compressor.set_quality(95).unwrap();
    compressor.set_subsamp(Subsamp::None).unwrap();
    compressor.set_arithmetic(true).unwrap();
    let image = Image {
        pixels: photo.as_raw().as_slice(),
        width: 64,
        pitch: 64 * 3,
        height: 48,
        format: PixelFormat::RGB,
    };
    let file = compressor.compress_to_vec(image).unwrap();
    assert!(differs(&pixels(Codec::Turbo, &file, DecodeOptions::PIXELS).unwrap(), &photo) < 4.0);
    let error = pixels(Codec::Pure, &file, DecodeOptions::PIXELS).unwrap_err();
    assert_eq!(error.message(), "arithmetic-coded JPEG is not supported");
}

#[test]
fn what_other_encoders_write_comes_out_alike() {
    let photo = photo(70, 50);
    for (name, file) in one_of_each(&photo).into_iter().take(2) {
        for options in WANTED {
            check(name, &file, options);
        }
    }
    let rgba = DynamicImage::ImageRgba8(photo.to_rgba8());
    for (colour, progressive) in [
        (ColorType::Cmyk, false),
        (ColorType::Cmyk, true),
        (ColorType::CmykAsYcck, false),
        (ColorType::CmykAsYcck, true),
    ] {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 90);
        encoder.set_progressive(progressive);
        encoder.encode(rgba.as_bytes(), 70, 50, colour).unwrap();
        check("inks", &file, DecodeOptions::PIXELS);
    }
}

#[test]
fn the_repositorys_own_files_come_out_alike() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut count = 0;
    for folder in ["consumers/page/samples", "docs", "tests/references/reports"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "jpg") {
                let file = fs::read(&path).unwrap();
                check(&path.display().to_string(), &file, DecodeOptions::PIXELS);
                count += 1;
            }
        }
    }
    assert!(count > 15, "{count} files");
}

#[test]
fn a_file_that_was_cut_or_changed_comes_out_alike() {
    let photo = photo(48, 33);
    let mut shown = 0;
    for (kind, rare) in kinds() {
        let file = rare.write(&photo);
        let scan = file.windows(2).position(|marker| marker == [0xFF, 0xDA]).unwrap() + 20;
        let step = (file.len() - scan) / 5;
        for at in (1..5).map(|part| scan + part * step) {
            let mut changed = file.clone();
            changed[at] ^= 0x55;
            for (what, file) in [("cut", &file[..at]), ("changed", &changed)] {
                let theirs = pixels(Codec::Turbo, file, DecodeOptions::PIXELS);
                let ours = pixels(Codec::Pure, file, DecodeOptions::PIXELS);
                // Ours skips markers that libjpeg-turbo gives up at.
                let Ok(theirs) = theirs else { continue };
                let ours = ours.unwrap_or_else(|error| panic!("{kind}, {what} at {at}: {error:?}"));
                shown += 1;
                // libjpeg smooths a progressive picture whose finer scans are missing.
                if rare.sof == 0xC2 && what == "cut" {
                    continue;
                }
                let mean = differs(&ours, &theirs);
                assert!(mean <= MEAN_MAX, "{kind}, {what} at {at}: {mean}");
            }
        }
    }
    assert!(shown > 500, "{shown}");
}
