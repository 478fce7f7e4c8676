//! Finds the file that a request means.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::coding::{self, Coding};
use super::options::Static;
use crate::files;

/// The result of looking for a name.
#[derive(Debug)]
pub(super) enum Found {
    /// A file to send.
    Page(Box<Page>),
    /// A folder with an index, whose name lacks its slash.
    Folder,
}

/// An open file.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) file: File,
    pub(super) metadata: Metadata,
    /// Its name within the folder, which tells its type; without the ending of a compressed file.
    pub(super) name: PathBuf,
    /// The coding of its content, if it was compressed in advance.
    pub(super) coding: Option<Coding>,
    /// Whether another request may get the same page in another coding.
    pub(super) varies: bool,
}

impl Page {
    /// Its type, by the ending of its name. Texts are UTF-8.
    pub(super) fn media_type(&self) -> String {
        let kind = mime_guess::from_path(&self.name).first_raw().unwrap_or(UNKNOWN);
        let is_text = kind.starts_with("text/") || kind == "application/javascript";
        if is_text { format!("{kind}; charset=utf-8") } else { kind.to_owned() }
    }

    /// Whether it is a web page, which names all other files.
    pub(super) fn is_document(&self) -> bool {
        let ending = self.name.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| {
            ["html", "htm", "xhtml"].iter().any(|known| ending.eq_ignore_ascii_case(known))
        })
    }
}

/// The type of a file of an unknown kind (RFC 9110, section 8.3).
const UNKNOWN: &str = "application/octet-stream";

/// Finds the file with this name; the index of a folder, whose name is empty or ends with a slash;
/// or else the fallback, if the client takes pages and the name looks like that of one. If the client
/// accepts a coding in which the file exists too, the compressed file takes its place.
///
/// # Errors
/// `NotFound` and the like if the folder lacks the file; others if the file cannot be read.
pub(super) fn find(
    options: &Static,
    name: &str,
    may_fall_back: bool,
    accepted: &[Coding],
) -> io::Result<Found> {
    let mut found = match find_exactly(options, name) {
        Err(error) if files::is_of_the_name(&error) && may_fall_back && is_of_a_page(name) => {
            match &options.fallback {
                Some(fallback) => Found::Page(open(options, fallback)?),
                None => return Err(error),
            }
        }
        found => found?,
    };
    if let (Found::Page(page), true) = (&mut found, options.precompressed) {
        compress(options, page, accepted);
    }
    Ok(found)
}

/// Puts a compressed file in the place of a page, if one exists whose coding is accepted. A file that
/// is older than the page was made from a former version, and is not used.
fn compress(options: &Static, page: &mut Page, accepted: &[Coding]) {
    let changed = |metadata: &Metadata| metadata.modified().ok();
    for coding in coding::ALL {
        let name = coding.beside(&page.name);
        if !options.folder.join(&name).exists() {
            continue;
        }
        let Ok((file, metadata)) = files::open(&options.folder, &name, options.links) else {
            continue;
        };
        if changed(&metadata) < changed(&page.metadata) {
            continue;
        }
        page.varies = true;
        if accepted.contains(&coding) {
            (page.file, page.metadata, page.coding) = (file, metadata, Some(coding));
            return;
        }
    }
}

fn find_exactly(options: &Static, name: &str) -> io::Result<Found> {
    let (plain, is_folder) = match name.strip_suffix('/') {
        Some(plain) => (plain, true),
        None => (name, name.is_empty()),
    };
    // `//` does not name a folder, although the system would accept it as one.
    let is_plain = plain.is_empty() && is_folder && !name.starts_with('/')
        || files::is_plain(plain, &options.hidden) && !plain.contains("//");
    if !is_plain {
        return Err(io::ErrorKind::NotFound.into());
    }
    if is_folder {
        let index = Path::new(plain).join(&options.index);
        return open(options, &index).map(Found::Page);
    }
    match open(options, Path::new(plain)) {
        Err(error) if files::is_of_the_name(&error) => {
            // Only a folder that has an index is known to exist.
            open(options, &Path::new(plain).join(&options.index)).map(|_| Found::Folder)
        }
        opened => opened.map(Found::Page),
    }
}

fn open(options: &Static, name: &Path) -> io::Result<Box<Page>> {
    let (file, metadata) = files::open(&options.folder, name, options.links)?;
    let name = name.to_owned();
    Ok(Box::new(Page { file, metadata, name, coding: None, varies: false }))
}

/// Whether a name can be that of a page of the application: its last part lacks an ending. A
/// missing `app.js` is an error, and not a page.
fn is_of_a_page(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    !last.contains('.')
}
