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
            return Some(Missing {
                why: format!("there is no program {shown}"),
                help: means(&path),
            });
        }
        return (!is_executable(&path)).then(|| Missing {
            why: format!("{shown} is not executable"),
            help: format!(
                "chmod +x {shown}, or name its interpreter: exec = [{:?}, {program:?}]",
                interpreter(&path)
            ),
        });
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders)
        .any(|folder| folder.join(program).is_file() && is_executable(&folder.join(program)));
    if !found {
        return Some(Missing {
            why: format!("there is no program {program:?} in PATH"),
            help: match program.split_once(' ') {
                Some(_) => format!("write each argument as a text of its own: {}", apart(program)),
                None => format!("install it, or write its path: \"./{program}\""),
            },
        });
    }
    let script = Path::new(script(&options.exec)?);
    let path = folder.map_or_else(|| script.to_owned(), |folder| folder.join(script));
    (!path.exists()).then(|| Missing {
        why: format!("there is no file {}", script.display()),
        help: means(&path),
    })
}

/// Interpreters, each with the endings of its scripts.
const INTERPRETERS: [(&str, &[&str]); 9] = [
    ("python", &["py"]),
    ("node", &["js", "mjs", "cjs", "ts"]),
    ("deno", &["js", "mjs", "ts"]),
    ("bun", &["js", "mjs", "ts"]),
    ("ruby", &["rb"]),
    ("perl", &["pl"]),
    ("php", &["php"]),
    ("sh", &["sh"]),
    ("bash", &["sh"]),
];

/// The file that an interpreter runs; `None` if the arguments do not show for certain that there is
/// one.
fn script(exec: &[String]) -> Option<&str> {
    let (program, arguments) = exec.split_first()?;
    let version = |c: char| c.is_ascii_digit() || c == '.';
    let name = program.trim_end_matches(version);
    let (_, endings) = INTERPRETERS.iter().find(|(interpreter, _)| *interpreter == name)?;
    // The value of an option, as in `-m module`, is without such an ending.
    let script = arguments.iter().find(|argument| !argument.starts_with('-'))?;
    let ending = Path::new(script).extension()?.to_str()?;
    endings.contains(&ending).then_some(script)
}

/// The interpreter that a script needs by its ending.
fn interpreter(script: &Path) -> &'static str {
    let ending = script.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match INTERPRETERS.iter().find(|(_, endings)| endings.contains(&ending)) {
        Some(("python", _)) => "python3",
        Some((interpreter, _)) => interpreter,
        None => "sh",
    }
}

/// The whole path, for a file that was not found.
fn means(path: &Path) -> String {
    match std::path::absolute(path) {
        Ok(absolute) => format!("this means {}", absolute.display()),
        Err(error) => error.to_string(),
    }
}
