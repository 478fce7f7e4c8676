//! Whether the program of a consumer exists.

use std::path::{Path, PathBuf};

use super::command::apart;
use super::options::Options;

/// A program that cannot be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Why it cannot be started.
    pub why: String,
    /// What to write instead.
    pub help: String,
}

/// Looks for the program. It is not started.
#[must_use]
pub fn missing(options: &Options) -> Option<Missing> {
    let (program, folder) = (&*options.exec[0], options.folder.as_deref());
    let is_executable = |path: &Path| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    if program.contains('/') {
        // A path begins where the program runs.
        let path = folder.map_or_else(|| PathBuf::from(program), |folder| folder.join(program));
        let shown = path.display();
        if !path.is_file() {
            let help = match std::path::absolute(&path) {
                Ok(absolute) => format!("this means {}", absolute.display()),
                Err(error) => error.to_string(),
            };
            return Some(Missing { why: format!("there is no program {shown}"), help });
        }
        return (!is_executable(&path)).then(|| Missing {
            why: format!("{shown} is not executable"),
            help: format!(
                "chmod +x {shown}, or name its interpreter: exec = [\"sh\", {program:?}]"
            ),
        });
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders)
        .any(|folder| folder.join(program).is_file() && is_executable(&folder.join(program)));
    (!found).then(|| Missing {
        why: format!("there is no program {program:?} in PATH"),
        help: match program.split_once(' ') {
            Some(_) => format!("write each argument as a text of its own: {}", apart(program)),
            None => format!("install it, or write its path: \"./{program}\""),
        },
    })
}
