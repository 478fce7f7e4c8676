//! Opens a file of a folder, and nothing outside of it.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Component, Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which symbolic links within a folder are followed. The folder itself may always be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Links {
    /// None.
    #[default]
    Refuse,
    /// Only links to a place in the folder.
    Inside,
    /// All, wherever they lead.
    Follow,
}

/// Opens the file with this plain name, if it is in the folder. A folder, a pipe or a device is not
/// found.
pub(crate) fn open(folder: &Path, name: &Path, links: Links) -> io::Result<(File, Metadata)> {
    let folder = folder.canonicalize()?;
    let place = folder.join(name);
    let path = place.canonicalize()?;
    let is_allowed = match links {
        Links::Refuse => path == place,
        Links::Inside => path.starts_with(&folder),
        Links::Follow => true,
    };
    // The kind is checked before the file is opened, because opening a pipe waits for its writer.
    if !is_allowed || !path.metadata()?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok((file, metadata))
}

/// Whether the error only means that no file has this name.
pub(crate) fn is_of_the_name(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory | InvalidFilename | InvalidInput)
}

/// Whether a name has only plain parts: no `..`, no absolute path, and no leading dot, which hidden
/// files and files that are being written have. `hidden` lists parts with a leading dot that are
/// plain all the same.
pub(crate) fn is_plain(name: &str, hidden: &[String]) -> bool {
    let plain = |part: Component<'_>| match part {
        Component::Normal(part) => {
            let is_hidden = part.as_encoded_bytes().starts_with(b".");
            !is_hidden || hidden.iter().any(|known| part == known.as_str())
        }
        _ => false,
    };
    !name.is_empty() && !name.contains(['\0', '\\']) && Path::new(name).components().all(plain)
}
