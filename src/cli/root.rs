//! `[server] root`: the folder in which the paths of a table begin.

use std::env;

use crate::config::Loaded;
use crate::setting::Diagnostic;

/// Makes `[server] root` the working folder of the process, where all paths of the table begin from
/// then on.
pub(super) fn enter(loaded: &mut Loaded) {
    let Some(root) = &loaded.config.server.root else { return };
    if let Err(error) = env::set_current_dir(&root.value) {
        let message = format!("{} cannot be the root: {error}", root.display());
        let help = match std::path::absolute(&root.value) {
            Ok(path) => format!("this means {}", path.display()),
            Err(error) => error.to_string(),
        };
        loaded.diagnostics.push(Diagnostic::new(root.span, message).help(help));
    }
}
