//! Writes the files with which the targets begin: `seeds CORPUS` fills `CORPUS/TARGET/`.

use std::error::Error;
use std::io::Cursor;
use std::path::Path;
use std::{env, fs};

use image::{DynamicImage, ImageFormat};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use imaging::{Encoding, Worker};
use imaging::samples::{
    animated_gif, animated_png, animated_webp, corners, one_of_each, photo, turned_jpeg,
    turned_png, turned_webp,
};

fn main() -> Result<(), Box<dyn Error>> {
    let corpus = env::args().nth(1).ok_or("give the folder of the corpus")?;
    let pictures = pictures()?;
    for target in ["decode_pure", "decode_turbo", "index", "metadata"] {
        for (at, file) in pictures.iter().enumerate() {
            write(Path::new(&corpus).join(target), at, file)?;
        }
    }
    for (at, message) in messages(&pictures[0]).iter().enumerate() {
        write(Path::new(&corpus).join("framing"), at, message)?;
    }
    Ok(())
}

fn write(folder: impl AsRef<Path>, at: usize, file: &[u8]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.as_ref().join(format!("seed-{at}")), file)?)
}

fn pictures() -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut files = Vec::new();
    for (width, height) in [(33, 17), (8, 8), (1, 1)] {
        let photo = photo(width, height);
        files.extend(one_of_each(&photo).map(|(_, file)| file));
        files.extend([animated_gif(&photo, 2), animated_png(&photo, 2), animated_webp(&photo, 2)]);
        files.extend(jpegs(&photo)?);
        files.extend(pngs(&photo)?);
    }
    for orientation in [1, 6] {
        let corners = corners();
        files.push(turned_jpeg(&corners, orientation));
        files.push(turned_png(&corners, orientation));
        files.push(turned_webp(&corners, orientation));
    }
    let mut profile = vec![0; 132];
    profile[3] = 132;
    profile[36..40].copy_from_slice(b"acsp");
    for encoding in [Encoding::Jpeg(80), Encoding::Png, Encoding::Webp] {
        let file = Worker::new(0).encode(&photo(9, 9).into(), encoding, Some(&profile));
        files.push(file.map_err(|error| format!("{error:?}"))?);
    }
    Ok(files)
}

/// JPEGs with every way to sample components, and every kind of colour.
fn jpegs(photo: &DynamicImage) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let samplings = [
        SamplingFactor::R_4_4_4,
        SamplingFactor::R_4_2_0,
        SamplingFactor::R_4_4_0,
        SamplingFactor::R_4_1_1,
        SamplingFactor::R_4_1_0,
    ];
    let colours = [
        (ColorType::Luma, photo.to_luma8().into_raw()),
        (ColorType::Rgb, photo.to_rgb8().into_raw()),
        (ColorType::Cmyk, photo.to_rgba8().into_raw()),
        (ColorType::CmykAsYcck, photo.to_rgba8().into_raw()),
    ];
    let (width, height) = (u16::try_from(photo.width())?, u16::try_from(photo.height())?);
    let mut files = Vec::new();
    for sampling in samplings {
        for (colour, samples) in &colours {
            for (progressive, restart) in [(false, 0), (true, 0), (false, 1)] {
                let mut file = Vec::new();
                let mut encoder = Encoder::new(&mut file, 70);
                encoder.set_sampling_factor(sampling);
                encoder.set_progressive(progressive);
                encoder.set_restart_interval(restart);
                encoder.encode(samples, width, height, *colour)?;
                files.push(file);
            }
        }
    }
    Ok(files)
}

fn pngs(photo: &DynamicImage) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut files = Vec::new();
    for picture in [
        DynamicImage::from(photo.to_luma8()),
        photo.to_luma_alpha8().into(),
        photo.to_rgba8().into(),
        photo.to_luma16().into(),
        photo.to_rgba16().into(),
    ] {
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, ImageFormat::Png)?;
        files.push(file.into_inner());
    }
    for depth in [png::BitDepth::One, png::BitDepth::Four, png::BitDepth::Eight] {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, photo.width(), photo.height());
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(depth);
        encoder.set_palette(vec![200, 10, 10, 10, 10, 200]);
        encoder.set_trns(vec![255, 100]);
        let row = (photo.width() as usize * depth as usize).div_ceil(8);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&vec![0; row * photo.height() as usize])?;
        writer.finish()?;
        files.push(file);
    }
    Ok(files)
}

fn messages(picture: &[u8]) -> Vec<Vec<u8>> {
    let header =
        r#"{"uuid":"5","offset_top":-3.5,"zoom":"0.5","rType":"rl","height":9,"progress":1}"#;
    // A text header has 150 characters; a binary one has its length in two bytes before it.
    let mut binary = vec![0, 80];
    binary[1] = u8::try_from(header.len()).unwrap_or(u8::MAX);
    binary.extend(header.as_bytes());
    binary.extend(picture);
    let text = format!("{header:150}data:image/jpeg;base64,/9j/4AAQ\r\nSkZJ_-  Rg==");
    vec![binary, text.into_bytes(), b"{\"type\":\"viewport\",\"top\":0,\"height\":1}".to_vec()]
}
