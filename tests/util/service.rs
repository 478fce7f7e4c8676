//! The program `waterway`, started on a routing table of the test's own.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::PATIENCE;
use super::log::Log;
use super::raw::Raw;

/// A running service in a temporary folder with its `routing.toml` and its `media`.
///
/// When it is dropped, the service is killed and its folder removed. If the test has panicked, the
/// log is printed.
pub(crate) struct Service {
    child: Child,
    address: SocketAddr,
    log: Log,
    folder: TempDir,
}

/// The pause between two looks at something that does not report its changes.
const POLL: Duration = Duration::from_millis(5);

impl Service {
    /// Starts the service on this routing table and waits until it listens.
    ///
    /// A table without `listen` gets a free port of 127.0.0.1.
    pub(crate) fn start(routing: &str) -> Self {
        Self::start_with(routing, |_| {})
    }

    /// As [`start`](Self::start), after a last change to the command, such as its environment.
    pub(crate) fn start_with(routing: &str, change: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        fs::create_dir(folder.path().join("media")).expect("the folder is writable");
        Self::start_in(folder, routing, change)
    }

    /// Starts the service in a folder that the test has filled.
    pub(crate) fn start_in(
        folder: TempDir,
        routing: &str,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let (child, log) = launch(folder.path(), &on_a_free_port(routing), change);
        // From here on a panic kills the child, so that it does not outlive a failed wait.
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut service = Self { child, address: nowhere, log, folder };
        service.address = service.log.wait("line with `listening` and an address", listening_at);
        service
    }

    /// Starts the service with a log that the harness does not read, and waits until it listens.
    pub(crate) fn start_logging_to(routing: &str, log: impl Into<Stdio>) -> Self {
        // The port is still free when the service asks for it, unless the system is very busy.
        let port = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = port.local_addr().expect("it is bound");
        drop(port);
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let routing = on_a_free_port(routing).replace(LISTEN, &format!("listen = ['{address}']"));
        let mut command = serving(folder.path(), &routing);
        let child = command.stderr(log).spawn().expect("the program starts");
        let service = Self { child, address, log: Log::keep(std::io::empty()), folder };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(started.elapsed() < PATIENCE, "the service does not listen");
            thread::sleep(POLL);
        }
        service
    }

    /// Where the service listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://…` for this path, which begins with `/`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `ws://…` for this path, which begins with `/`.
    pub(crate) fn ws(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// A WebSocket byte by byte, from this origin's own page.
    pub(crate) fn raw(&self, path: &str) -> Raw {
        Raw::open(self.address, path, &[])
    }

    /// The service's working folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the service keeps pictures.
    pub(crate) fn media(&self) -> PathBuf {
        self.folder.path().join("media")
    }

    /// The names of all files in `media` and in its folders by time, sorted.
    pub(crate) fn media_names(&self) -> Vec<String> {
        self.names_within("media")
    }

    /// The names of all files in this folder of the service and in its folders, sorted.
    pub(crate) fn names_within(&self, folder: &str) -> Vec<String> {
        let mut names = names_within(&self.folder().join(folder));
        names.sort();
        names
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The number of the process's threads with this name.
    pub(crate) fn threads(&self, name: &str) -> usize {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("Linux");
        let names = tasks.map(|task| fs::read_to_string(task.expect("Linux").path().join("comm")));
        // A thread that has just ended has no name.
        names.flatten().filter(|found| found.trim_end() == name).count()
    }

    /// The memory of the process, in KiB: `VmRSS` is its memory now, `VmHWM` the most so far.
    pub(crate) fn memory(&self, what: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
        let number = line.expect("the line exists").trim().trim_end_matches(" kB");
        number.parse().expect("a number")
    }

    /// The service's log so far.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until this is so.
    pub(crate) fn wait_until(&self, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "it does not come true:\n{}", self.log());
            thread::sleep(POLL);
        }
    }

    /// Waits for a line of the log that contains this text, and returns it.
    pub(crate) fn wait_for_log(&self, text: &str) -> String {
        let wanted = |line: &str| line.contains(text).then(|| line.to_owned());
        self.log.wait(&format!("line with {text:?}"), wanted)
    }

    /// Sends this signal to the service.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the service is there");
    }

    /// Ends the service as an operating system does, and starts it again in its folder and at the
    /// same address.
    pub(crate) fn restart(&mut self) {
        self.signal(Signal::TERM);
        assert!(self.log.wait_for_end(), "the service did not end after SIGTERM");
        self.child.wait().expect("the service was started here");
        let file = self.folder().join("routing.toml");
        let routing = fs::read_to_string(file).expect("the routing table exists");
        let listen = format!("listen = [\"{}\"]", self.address);
        let routing = routing.replace(LISTEN, &listen);
        assert!(routing.contains(&listen), "the first start was not on a free port");
        (self.child, self.log) = launch(self.folder(), &routing, |_| {});
        let address = self.log.wait("line with `listening` and an address", listening_at);
        assert_eq!(address, self.address);
    }

    /// Asks the service to end as an operating system does (SIGTERM), and waits until it has.
    pub(crate) fn stop_gracefully(mut self) -> ExitStatus {
        self.stop()
    }

    /// As [`stop_gracefully`](Self::stop_gracefully), but keeps the folder and the log.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits until the service has ended.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        assert!(self.log.wait_for_end(), "the service did not end");
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the service was started here") {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "the service did not end");
            thread::sleep(POLL);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Both fail only if the service has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            self.log.wait_for_end();
            eprintln!("--- the service's log ---\n{}---", self.log.text());
        }
    }
}

/// Runs the program with these arguments in this folder until it ends.
pub(crate) fn waterway(folder: &Path, arguments: &[&str]) -> Output {
    program(folder).args(arguments).stdin(Stdio::null()).output().expect("the program starts")
}

/// Starts the service in this folder on this routing table.
fn launch(folder: &Path, routing: &str, change: impl FnOnce(&mut Command)) -> (Child, Log) {
    let mut command = serving(folder, routing);
    change(&mut command);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    let log = Log::keep(child.stderr.take().expect("stderr is piped"));
    (child, log)
}

/// Starts this command through another program, such as `sh` with a script or `setsid`. That
/// program must replace itself with the command that follows its own arguments.
pub(crate) fn through(command: &mut Command, program: &str, arguments: &[&str]) {
    let mut whole = Command::new(program);
    whole.args(arguments).arg(command.get_program()).args(command.get_args());
    whole.current_dir(command.get_current_dir().expect("the service has a folder"));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => whole.env(name, value),
            None => whole.env_remove(name),
        };
    }
    whole.stdin(Stdio::null()).stdout(Stdio::null());
    *command = whole;
}

/// The program, with this routing table to serve in this folder.
fn serving(folder: &Path, routing: &str) -> Command {
    fs::write(folder.join("routing.toml"), routing).expect("the folder is writable");
    let mut command = program(folder);
    command.args(["serve", "routing.toml"]).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// The program, with a log without colours.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(executable());
    command.current_dir(folder).env("NO_COLOR", "1");
    command.env_remove("RUST_LOG").env_remove("WATERWAY_CONFIG");
    command
}

/// The program that the tests start: the one built with them, or the one that `WATERWAY_BIN` names,
/// with which a new test can be seen to fail on an older version.
pub(crate) fn executable() -> OsString {
    env::var_os("WATERWAY_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_waterway").into())
}

/// Makes the service listen on a free port.
const LISTEN: &str = "listen = [\"127.0.0.1:0\"]";

fn on_a_free_port(routing: &str) -> String {
    if routing.lines().any(|line| line.trim_start().starts_with("listen")) {
        return routing.to_owned();
    }
    match routing.split_once("[server]\n") {
        Some((before, after)) => format!("{before}[server]\n{LISTEN}\n{after}"),
        None => format!("{routing}\n[server]\n{LISTEN}\n"),
    }
}

fn listening_at(line: &str) -> Option<SocketAddr> {
    let (_, address) = line.contains("listening").then(|| line.split_once("http://"))??;
    address.split([' ', '"', '/']).next()?.parse().ok()
}

/// The names of all files in a folder and in its folders.
fn names_within(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("it is a folder");
    let names = entries.flat_map(|entry| {
        let path = entry.expect("the entry is readable").path();
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        if path.is_dir() { names_within(&path) } else { vec![name] }
    });
    names.collect()
}
