//! Some 400 files, made by `references/matrix/make.py`. Each is shown as it was made, or as Pillow
//! or libvips shows it, or refused with a message that fits.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::RgbaImage;
use serde::Deserialize;
use serde_json::Value;

use crate::util::{Service, picture_table, post, python, root};

/// A file of the matrix, as `make.py` describes it.
#[derive(Deserialize)]
struct Row {
    file: String,
    format: String,
    name: String,
    picture: Option<String>,
    pillow: Option<String>,
    libvips: Option<String>,
    tolerance: f64,
    rows: Option<u32>,
    refused: Option<String>,
}

/// The outcome for a file: the columns of the table in `docs/pictures.md`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Verdict {
    /// Shown with the pixels that it was made from.
    AsMade,
    /// Shown as Pillow or libvips shows it.
    AsOthersShow,
    /// Cut short, and shown as far as its rows go.
    InPart,
    /// Refused with the name of the unsupported format or feature.
    Named,
    /// Refused as damaged or cut short; Pillow or libvips refuses it too.
    Damaged,
}

const VERDICTS: [Verdict; 5] =
    [Verdict::AsMade, Verdict::AsOthersShow, Verdict::InPart, Verdict::Named, Verdict::Damaged];

#[test]
fn every_file_of_the_matrix_is_shown_right_or_refused_with_a_fitting_reason() {
    let folder = tempfile::tempdir().unwrap();
    python("references/matrix/make.py", &[folder.path().to_str().unwrap()]);
    let manifest = fs::read(folder.path().join("manifest.json")).unwrap();
    let rows: Vec<Row> = serde_json::from_slice(&manifest).unwrap();
    assert!(rows.len() >= 300, "{} files", rows.len());

    let service =
        Service::start(&picture_table("", "").replacen("broken = ", "png = ['png']\nbroken = ", 1));
    let url = service.url("/work?rType=png&responseType=inline");
    let mut counts = BTreeMap::<(&str, Verdict), u32>::new();
    let mut wrong = Vec::new();
    for row in &rows {
        let file = fs::read(folder.path().join(&row.file)).unwrap();
        let answer = post(&url, file).json();
        match verdict(row, &answer, folder.path()) {
            Ok(verdict) => *counts.entry((&row.format, verdict)).or_default() += 1,
            Err(why) => wrong.push(format!("{}: {why}", row.name)),
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));

    let document = fs::read_to_string(root().join("docs/pictures.md")).unwrap();
    let lines = ["JPEG", "PNG", "GIF", "WebP", "other"].map(|format| {
        let count = |verdict| counts.get(&(format, verdict)).copied().unwrap_or_default();
        let cells = VERDICTS.map(|verdict| count(verdict).to_string()).join(" | ");
        format!("| {format} | {cells} |")
    });
    let lines = lines.join("\n");
    assert!(document.contains(&lines), "docs/pictures.md lacks these lines:\n{lines}");
}

fn verdict(row: &Row, answer: &Value, folder: &Path) -> Result<Verdict, String> {
    let view =
        |name: &String| image::open(folder.join(name)).expect("a picture of the matrix").to_rgba8();
    let Some(image) = answer["image"].as_str() else {
        return refusal(row, answer);
    };
    if let Some(word) = &row.refused {
        return Err(format!("it is shown, and not refused by the name {word:?}"));
    }
    let (_, base64) = image.split_once(',').expect("a data: URL");
    let file = STANDARD.decode(base64).expect("base64");
    let shown = image::load_from_memory(&file).expect("a result is a picture").to_rgba8();

    let is_cut = row.rows.is_some();
    if is_cut && answer["truncated"] != true {
        return Err("it was cut short, and the answer does not say so".into());
    }
    let tolerance = row.tolerance;
    if let Some(picture) = &row.picture {
        near(&shown, &view(picture), tolerance, row.rows)?;
        return Ok(if is_cut { Verdict::InPart } else { Verdict::AsMade });
    }
    let others = [&row.pillow, &row.libvips].into_iter().flatten();
    let differences: Vec<String> =
        others.filter_map(|other| near(&shown, &view(other), tolerance, None).err()).collect();
    let count = [&row.pillow, &row.libvips].into_iter().flatten().count();
    if differences.len() < count {
        return Ok(Verdict::AsOthersShow);
    }
    Err(format!("neither Pillow nor libvips shows it so: {}", differences.join(", ")))
}

fn refusal(row: &Row, answer: &Value) -> Result<Verdict, String> {
    let message = answer["error"].as_str().unwrap_or_default();
    if answer["code"] != "bad_image" {
        return Err(answer.to_string());
    }
    if let Some(word) = &row.refused {
        let names_it = message.contains(word) && !message.contains("damaged");
        return if names_it { Ok(Verdict::Named) } else { Err(message.to_owned()) };
    }
    if row.pillow.is_some() && row.libvips.is_some() {
        return Err(format!("Pillow and libvips show it: {message}"));
    }
    if message.contains("damaged") || message.contains("cut short") {
        return Ok(Verdict::Damaged);
    }
    Err(message.to_owned())
}

/// Whether the first rows of two pictures differ by at most this on average in every channel.
/// Colours are weighted by their alpha.
fn near(
    one: &RgbaImage,
    other: &RgbaImage,
    tolerance: f64,
    rows: Option<u32>,
) -> Result<(), String> {
    if one.dimensions() != other.dimensions() {
        return Err(format!("{:?} and {:?} pixels", one.dimensions(), other.dimensions()));
    }
    let seen = |pixel: &image::Rgba<u8>| {
        let [colours @ .., alpha] = pixel.0.map(f64::from);
        let [red, green, blue] = colours.map(|colour| colour * alpha / 255.0);
        [red, green, blue, alpha]
    };
    let count = rows.map_or(usize::MAX, |rows| (rows * one.width()) as usize);
    let (mut sums, mut pixels) = ([0.0; 4], 0.0_f64);
    for (a, b) in one.pixels().zip(other.pixels()).take(count) {
        pixels += 1.0;
        for (sum, (a, b)) in sums.iter_mut().zip(seen(a).into_iter().zip(seen(b))) {
            *sum += (a - b).abs();
        }
    }
    let worst = sums.into_iter().fold(0.0, f64::max) / pixels.max(1.0);
    if worst <= tolerance {
        return Ok(());
    }
    Err(format!("a channel differs by {worst:.2}"))
}
