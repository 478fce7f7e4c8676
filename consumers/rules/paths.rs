//! The files and folders of pictures, and whether the folders can be written.

use std::path::PathBuf;

use imaging::Step;
use waterway::config::{InUse, RoutingConfig};
use waterway::setting::{Diagnostic, Span};

use crate::image::{Pictures, pipelines};
use crate::storage::{Folder, Storage};

/// Warns of each folder of pictures that cannot be written.
pub(super) fn check(config: &RoutingConfig, warnings: &mut Vec<Diagnostic>) {
    for pictures in config.in_use::<Pictures>("image.work") {
        let Some(folder) = folder(&pictures.options.storage) else { continue };
        if let Err(error) = folder.writable() {
            let message = format!("{} cannot be written: {error}", folder.absolute().display());
            let help =
                "the service would not start: choose another folder, or give its user write access";
            let span = pictures.span_of(&["folder", "storage"]);
            warnings.push(Diagnostic::new(span, message).help(help.to_owned()));
        }
    }
}

/// The mistakes in the files that steps need, each where its step is written.
pub(super) fn mistakes(config: &RoutingConfig) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for pictures in config.in_use::<Pictures>("image.work") {
        for (result, step, mistake) in pipelines::mistakes(&pictures.options.results) {
            let span = span_of_step(&pictures, result, step);
            let (message, help) = match mistake.split_once('\n') {
                Some((message, help)) => (message, Some(help.to_owned())),
                None => (mistake.as_str(), None),
            };
            found.push(Diagnostic::new(span, message).help(help));
        }
    }
    found
}

fn span_of_step(pictures: &InUse<Pictures>, result: &str, step: usize) -> Span {
    let results = pictures.written().as_table().and_then(|table| table.get("results"));
    let steps = results.and_then(|results| results.as_table()?.get(result)?.as_list());
    steps.and_then(|steps| steps.get(step)).map_or(pictures.span, |step| step.span)
}

/// The files and folders of pictures, with the settings that name them.
pub(super) fn used(config: &RoutingConfig) -> Vec<(PathBuf, String)> {
    let mut used = Vec::new();
    for InUse { name, options, .. } in config.in_use::<Pictures>("image.work") {
        if let Some(folder) = folder(&options.storage) {
            used.push((folder.path().to_owned(), format!("consumer {name}")));
        }
        for (result, pipeline) in &options.results {
            for file in pipeline.steps().iter().filter_map(Step::file) {
                used.push((file.to_owned(), format!("consumer {name}, result {result}")));
            }
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
