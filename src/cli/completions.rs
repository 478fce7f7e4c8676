//! `waterway completions`: a script that completes the program's commands in a shell.

use clap_complete::{Shell, generate};

use super::terminal::print;
use super::{App, arguments};

pub(super) fn completions(app: &App, shell: Shell) {
    let mut script = Vec::new();
    generate(shell, &mut arguments::command(app), app.name, &mut script);
    print(&String::from_utf8_lossy(&script));
}
