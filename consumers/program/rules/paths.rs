//! The paths of a table: where they lead, and whether folders can be written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use waterway::{Listen, Mistake, RoutingConfig};

use super::{InUse, in_use};
use crate::image::Pictures;
use crate::image::step::Step;
use crate::media::Media;
use crate::storage::{Folder, Storage};

/// Warns of each folder of pictures that cannot be written.
pub(super) fn check(config: &RoutingConfig, warnings: &mut Vec<Mistake>) {
    for pictures in in_use::<Pictures>(config, "image.work") {
        let Some(folder) = folder(&pictures.options.storage) else { continue };
        if let Err(error) = folder.writable() {
            let message = format!("{} cannot be written: {error}", folder.absolute().display());
            let help = "the service would not start: choose another folder, or let its user write";
            let place = pictures.place_of(&["folder", "storage"]);
            warnings.push(Mistake::new(place, message).help(help.to_owned()));
        }
    }
}

/// The folders that pictures are written to, with the consumers that do so.
pub(in crate::program) fn folders(config: &RoutingConfig) -> Vec<(Folder, String)> {
    let pictures = in_use::<Pictures>(config, "image.work").into_iter();
    pictures
        .filter_map(|InUse { name, options, .. }| Some((folder(&options.storage)?.clone(), name)))
        .collect()
}

/// Every path of the table, absolute, with the keys that it comes from.
pub(in crate::program) fn used(config: &RoutingConfig) -> BTreeMap<PathBuf, Vec<String>> {
    let mut used: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    let mut add = |path: &Path, by: String| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        used.entry(path).or_default().push(by);
    };
    for listen in &config.server.listen {
        if let Listen::Unix(path) = listen {
            add(path, "server.listen".into());
        }
    }
    for InUse { name, options, .. } in in_use::<Pictures>(config, "image.work") {
        if let Some(folder) = folder(&options.storage) {
            add(folder.path(), format!("consumer {name}"));
        }
        for (result, pipeline) in &options.results {
            for file in pipeline.steps().iter().flat_map(Step::files) {
                add(file, format!("consumer {name}, result {result}"));
            }
        }
    }
    for InUse { name, options, .. } in in_use::<Media>(config, "media") {
        if let Some(folder) = folder(&options.storage) {
            add(folder.path(), format!("consumer {name}"));
        }
    }
    used
}

fn folder(storage: &Storage) -> Option<&Folder> {
    match storage {
        Storage::Folder(folder) => Some(folder),
        Storage::S3(_) => None,
    }
}
