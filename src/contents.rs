//! The contents of files, which show that a file has changed.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The contents of some files at one time, as a digest of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents(Vec<(PathBuf, Option<u64>)>);

/// How many bytes of a file are compared. Of a longer file, its length and its time are compared too.
const COMPARED: u64 = 16 << 20;

impl Contents {
    /// Reads the files, without blocking the caller's thread.
    pub(crate) async fn read(files: Vec<PathBuf>) -> Self {
        if files.is_empty() {
            return Self::default();
        }
        let read = || files.into_iter().map(|file| (digest(&file).ok(), file));
        let read = move || Self(read().map(|(digest, file)| (file, digest)).collect());
        // Without a result, the runtime is at its end.
        tokio::task::spawn_blocking(read).await.unwrap_or_default()
    }
}

/// A digest of a file's content.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn digest(path: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(path)?;
    let (mut hasher, mut buffer, mut left) = (DefaultHasher::new(), vec![0; 64 << 10], COMPARED);
    // Opening a named pipe would wait for its writer.
    let mut file = if metadata.is_file() { Some(File::open(path)?) } else { None };
    while let Some(file) = file.as_mut().filter(|_| left > 0) {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finish());
        }
        hasher.write(&buffer[..read]);
        left = left.saturating_sub(read as u64);
    }
    hasher.write_u64(metadata.len());
    let modified = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    hasher.write_u128(modified.as_nanos());
    Ok(hasher.finish())
}
