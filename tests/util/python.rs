//! Programs in Python for the tests, run in the virtual environment that `scripts/test` makes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use super::log::Log;
use super::root;

/// A reference server of `tests/peers` on a free port; killed when dropped.
pub(crate) struct Peer {
    child: Child,
    errors: Log,
    pub(crate) address: SocketAddr,
}

impl Peer {
    /// Starts it and waits until it listens.
    pub(crate) fn start(script: &str) -> Self {
        Self::start_with(script, &[])
    }

    /// As [`start`](Self::start), with these variables of its environment.
    pub(crate) fn start_with(script: &str, environment: &[(&str, &str)]) -> Self {
        let mut child = python_command(&format!("peers/{script}"))
            .arg("0")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let output = Log::keep(child.stdout.take().expect("stdout is piped"));
        let errors = Log::keep(child.stderr.take().expect("stderr is piped"));
        let mut peer = Self { child, errors, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let port =
            |line: &str| line.strip_prefix("ready ").map(|port| port.parse().expect("a port"));
        peer.address.set_port(output.wait("`ready PORT`", port));
        peer
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            self.errors.wait_for_end();
            eprintln!("--- the peer's errors ---\n{}---", self.errors.text());
        }
    }
}

/// Runs a script of `tests` to its end and returns its output.
///
/// # Panics
/// When it fails; the message contains all that it wrote.
pub(crate) fn python(script: &str, arguments: &[&str]) -> String {
    let output = python_command(script).args(arguments).output().expect("Python starts");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    let status = output.status;
    assert!(status.success(), "{script} {arguments:?}: {status}\n{printed}{errors}");
    printed
}

pub(crate) fn python_command(script: &str) -> Command {
    let interpreter = interpreter();
    assert!(
        interpreter.exists(),
        "{} is missing: run scripts/test, which installs it",
        interpreter.display(),
    );
    let mut command = Command::new(interpreter);
    command.arg(root().join("tests").join(script)).stdin(Stdio::null());
    command
}

/// The Python of the tests.
pub(crate) fn interpreter() -> PathBuf {
    root().join(".venv/bin/python")
}
