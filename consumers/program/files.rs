//! The folder of an event: the file with its content, and the file that may be its answer.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::fs::write;
use uuid::Uuid;
use waterway::action::{Action, Answer};
use waterway::message::Event;
use waterway::{Actions, Error, Payload, code};

use super::options::Options;
use crate::storage::{Address, Kept, Storage, Store};

/// The folder of a consumer, in which each event has a folder. It is removed with the consumer.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    /// The user and the group of the folders, if programs run as another user.
    owner: Option<(u32, u32)>,
    /// Content above this is given as a file, in bytes.
    above: usize,
    /// Where answers are stored.
    storage: Option<Storage>,
}

/// The folder of one event. It is removed when it is dropped.
#[derive(Debug)]
pub(super) struct EventFolder(PathBuf);

/// The largest file that may be an answer, in bytes.
const ANSWER_MAX: u64 = 256 << 20;

impl Files {
    /// Makes the folder of a consumer, which no other user can read.
    ///
    /// # Errors
    /// If the folder for temporary files cannot be written, or the user is not known.
    pub(super) fn new(options: &Options) -> io::Result<Self> {
        let owner = options.confinement().owner()?;
        let name = format!("waterway-{}", Uuid::new_v4().simple());
        let folder = std::env::temp_dir().join(name);
        make(&folder, owner)?;
        let above = options.file_above.as_usize();
        Ok(Self { folder, owner, above, storage: options.storage.clone() })
    }

    /// Moves the content of an event to a file, if it is large or its program may answer with a
    /// file.
    ///
    /// # Errors
    /// `storage` if the file cannot be written.
    pub(super) async fn put(&self, event: &mut Event) -> Result<Option<EventFolder>, Error> {
        let text = event.text.as_ref().map_or(0, |text| text.len());
        let size = event.bytes.as_ref().map_or(text, bytes::Bytes::len);
        let has_content = event.text.is_some() || event.bytes.is_some();
        let may_answer = self.storage.is_some() && event.task.is_some();
        if !has_content || size <= self.above && !may_answer {
            return Ok(None);
        }
        let content = match (event.text.take(), event.bytes.take()) {
            (Some(text), _) => Payload::Text(text),
            (None, bytes) => Payload::Binary(bytes.unwrap_or_default()),
        };
        let folder = self.folder.join(Uuid::new_v4().simple().to_string());
        let stored = |error: io::Error| {
            Error::new(code::STORAGE, "the content cannot be stored").because(error)
        };
        make(&folder, self.owner).map_err(stored)?;
        let folder = EventFolder(folder);
        let file = folder.0.join("body");
        write(&file, content.as_bytes()).await.map_err(stored)?;
        give(&file, self.owner).map_err(stored)?;
        event.file = Some(Arc::from(file.to_string_lossy()));
        Ok(Some(folder))
    }

    /// Stores the file that is the answer of a task, and puts the answer with its URL in its place.
    ///
    /// # Errors
    /// `failed` if the file does not lie in the event's folder; `storage` if it cannot be stored.
    pub(super) async fn store(
        &self,
        actions: &mut Actions,
        folder: Option<&EventFolder>,
        event: &Event,
    ) -> Result<Option<Kept>, Error> {
        let named = actions.iter_mut().find_map(|action| match action {
            Action::Answer(answer) => match answer {
                Answer::File(file) => Some((PathBuf::from(&**file), answer)),
                Answer::Body(_) => None,
            },
            _ => None,
        });
        let Some((path, answer)) = named else { return Ok(None) };
        let Some(storage) = &self.storage else {
            return Err(Error::failed("answer.file: the consumer has no storage: set storage"));
        };
        let folder = folder.ok_or_else(|| Error::failed("answer.file: the event has no folder"))?;
        let (bytes, extension) = folder.read(&path)?;
        let store = Store::new(storage.clone(), Address::default(), Arc::clone(&event.public_url));
        let kept = store.keep(format!("{}.{extension}", Uuid::now_v7()), &bytes).await?;
        let url = store.url(kept.name()).await?;
        let uuid = event.task.as_ref().map(|place| place.uuid.value());
        let told = serde_json::json!({"url": url, "uuid": uuid});
        *answer = Answer::Body(told.into());
        Ok(Some(kept))
    }
}

impl EventFolder {
    /// Reads a file of this folder; returns its extension too.
    fn read(&self, path: &Path) -> Result<(Vec<u8>, String), Error> {
        let wrong = |why: &str| {
            let path = path.display();
            Error::failed(format!("answer.file: {path}: {why}"))
        };
        // Links are followed here, so that none leads out of the folder.
        let read = || -> io::Result<PathBuf> { self.0.join(path).canonicalize() };
        let file = read().map_err(|error| wrong(&error.to_string()))?;
        let own = self.0.canonicalize().map_err(|error| wrong(&error.to_string()))?;
        if !file.starts_with(&own) {
            return Err(wrong("it does not lie in the event's folder"));
        }
        let about = fs::metadata(&file).map_err(|error| wrong(&error.to_string()))?;
        if !about.is_file() || about.len() > ANSWER_MAX {
            return Err(wrong("it is not a file of at most 256 MiB"));
        }
        let extension = file.extension().and_then(|extension| extension.to_str());
        let plain = |text: &&str| {
            (1..=5).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        let extension = extension.filter(plain).ok_or_else(|| {
            wrong("its name needs an extension of 1 to 5 small letters and digits, such as .jpg")
        })?;
        let bytes = fs::read(&file).map_err(|error| wrong(&error.to_string()))?;
        Ok((bytes, extension.to_owned()))
    }
}

/// Makes a folder for one user alone.
fn make(folder: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(folder)?;
    give(folder, owner)
}

fn give(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    match owner {
        Some((user, group)) => chown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}

impl Drop for EventFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
