//! What `check` says of the folder of `[layer] store`.

use std::path::{Path, PathBuf};

use crate::config::{Backend, RoutingConfig};
use crate::queue::TransitFolder;
use crate::setting::{Diagnostic, Span};

/// The folder, and where the table names it.
fn folder(config: &RoutingConfig) -> Option<(&Path, Span)> {
    let used = *config.layer.backend == Backend::Redis;
    let store = config.layer.store.as_ref().filter(|_| used)?;
    let folder = store.as_table()?.get("folder")?;
    Some((Path::new(folder.as_text()?), folder.span))
}

/// The folder, if the table has one.
pub(super) fn path(config: &RoutingConfig) -> Option<PathBuf> {
    folder(config).map(|(path, _)| path.to_owned())
}

/// A warning, if the folder cannot be written.
pub(super) fn warning(config: &RoutingConfig) -> Option<Diagnostic> {
    let (path, span) = folder(config)?;
    let error = TransitFolder::writable(path).err()?;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let message = format!("{} cannot be written: {error}", absolute.display());
    let help = "the service would not start: choose another folder, or give its user write access";
    Some(Diagnostic::new(span, message).help(help.to_owned()))
}
