//! `page` and `page.sample`: the page that shows the picture service at work, and its pictures.
//!
//! They are part of the program, so they are served from any working folder. `samples/generate.py`
//! draws the pictures.

mod document;

use http::{HeaderName, HeaderValue, header};
use waterway::{Error, Path, Reply, code};

use document::DOCUMENT;

macro_rules! samples {
    ($($name:literal: $media_type:literal),* $(,)?) => {
        &[$(($name, $media_type, include_bytes!(concat!("samples/", $name)))),*]
    };
}

const SAMPLES: &[(&str, &str, &[u8])] = samples! {
    "alps.jpg": "image/jpeg",
    "aurora.jpg": "image/jpeg",
    "autumn.jpg": "image/jpeg",
    "canyon.jpg": "image/jpeg",
    "dunes.jpg": "image/jpeg",
    "dusk-ridges.jpg": "image/jpeg",
    "flow-field.jpg": "image/jpeg",
    "fog-forest.jpg": "image/jpeg",
    "ink.webp": "image/webp",
    "lavender.jpg": "image/jpeg",
    "moon-lake.jpg": "image/jpeg",
    "nebula.jpg": "image/jpeg",
    "paper-hills.png": "image/png",
    "sea.jpg": "image/jpeg",
};

/// Sends the page.
pub async fn page() -> Reply {
    Reply::text(DOCUMENT.html.clone())
        .with_header(header::CONTENT_TYPE, value("text/html; charset=utf-8"))
        .with_header(header::CONTENT_SECURITY_POLICY, DOCUMENT.policy.clone())
        .with_header(header::CACHE_CONTROL, value("no-cache"))
        .with_header(NOSNIFF, value("nosniff"))
}

/// Sends one of the page's pictures.
///
/// # Errors
/// `not_found` for any other name.
pub async fn sample(Path(name): Path<String>) -> Result<Reply, Error> {
    let found = SAMPLES.iter().find(|(known, ..)| *known == name);
    let &(_, media_type, bytes) =
        found.ok_or_else(|| Error::new(code::NOT_FOUND, "the picture does not exist"))?;
    Ok(Reply::bytes(bytes)
        .with_header(header::CONTENT_TYPE, value(media_type))
        .with_header(header::CACHE_CONTROL, value("public, max-age=86400"))
        .with_header(NOSNIFF, value("nosniff")))
}

const NOSNIFF: HeaderName = header::X_CONTENT_TYPE_OPTIONS;

fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::SAMPLES;

    #[test]
    fn every_picture_in_the_folder_is_sent() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/page/samples");
        let files = std::fs::read_dir(folder).unwrap();
        let mut names: BTreeSet<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.remove("generate.py");
        assert_eq!(names, SAMPLES.iter().map(|(name, ..)| (*name).to_owned()).collect());
    }
}
