//! A process that does the tasks of a service's queues, without sockets.

use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::log::Log;
use super::service::{Service, program};

/// A process that does the tasks of the same table, in the folder of the node. It is killed when it
/// is dropped.
pub(crate) struct Worker {
    child: Child,
    pub(crate) log: Log,
}

impl Worker {
    /// Starts it, and waits until it works.
    pub(crate) fn start(node: &Service) -> Self {
        let mut command = program(node.folder());
        command.args(["work", "routing.toml"]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::keep(child.stderr.take().unwrap());
        log.wait("line with `working`", |text| text.contains("working").then_some(()));
        Self { child, log }
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it this signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("a worker's log:\n{}", self.log.text());
        }
    }
}
