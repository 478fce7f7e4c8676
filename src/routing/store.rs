//! Makes the store of `[layer] store`. Nothing is opened yet.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::LayerConfig;
use crate::consumer::Registry;
use crate::queue::{TransitFolder, TransitStore};
use crate::setting::{Diagnostic, SpannedValue, nearest, read};

/// The store that a table names. `None` without one, and after a mistake, which is reported.
pub(super) fn store(
    layer: &LayerConfig,
    registry: &Registry,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Arc<dyn TransitStore>> {
    let written = layer.store.as_ref().filter(|written| !written.is_lost())?;
    let mut report = |written: &SpannedValue, message: String, help: String| {
        diagnostics.push(Diagnostic::new(written.span, message).help(help));
    };
    let Some(table) = written.as_table() else {
        let message = "this is no store".to_owned();
        report(written, message, format!("write {EXAMPLE}"));
        return None;
    };
    let [entry] = &*table.entries else {
        if table.partial {
            return None;
        }
        let message = match &*table.entries {
            [] => "the store has no place",
            _ => "a store is in one place",
        };
        report(written, message.to_owned(), format!("write {EXAMPLE}"));
        return None;
    };
    let (key, options) = (entry.key.value.as_str(), &entry.value);
    if key == FOLDER {
        let path: PathBuf = read(options, diagnostics)?;
        return Some(Arc::new(TransitFolder::new(path)));
    }
    if let Some(kind) = registry.stores().get(key) {
        return kind.make(options, diagnostics);
    }
    let names = registry.stores().keys().copied().chain([FOLDER]);
    let help = nearest(key, "kinds of stores", names);
    diagnostics
        .push(Diagnostic::new(entry.key.span, format!("unknown store \"{key}\"")).help(help));
    None
}

const FOLDER: &str = "folder";
const EXAMPLE: &str = "store = { folder = \"transit\" }";
