//! The process of a program: started with a clean environment in a process group of its own, and
//! ended with everything that it has started.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child as Process, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;
use waterway::Error;
use waterway::cli::Confinement;

use super::missing::missing;
use super::options::Options;

/// A running process. Dropping it kills its process group.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    group: Group,
}

/// The process group of a program.
#[derive(Debug)]
struct Group(Option<Pid>);

/// The ends of a process's pipes.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
    pub(super) errors: ChildStderr,
}

/// The variables of the service's own environment that a program gets.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

impl Child {
    /// Starts the program of these options, with these further variables.
    ///
    /// # Errors
    /// If the system cannot start it.
    pub(super) async fn start(
        options: &Options,
        variables: &[(String, String)],
    ) -> Result<(Self, Pipes), Error> {
        if let Some(missing) = missing(options) {
            return Err(Error::failed(missing.why));
        }
        let mut command = command(options)?;
        command.env_clear();
        let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.envs(inherited).envs(variables.iter().cloned()).envs(&options.env);
        if let Some(folder) = &options.folder {
            command.current_dir(folder);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0);
        let program = &options.exec[0];
        let failed =
            |error: io::Error| Error::failed(format!("{program} cannot be started: {error}"));
        let mut process = spawn(command).await.map_err(failed)?;
        let group = process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let taken = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(input), Some(output), Some(errors)) = taken else {
            return Err(Error::failed(format!("{program} has no pipes")));
        };
        Ok((Self { process, group: Group(group) }, Pipes { input, output, errors }))
    }

    /// The process's id, while it runs.
    pub(super) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Waits until the process has ended.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.process.wait().await
    }

    /// Waits until the process, whose input is closed, has ended. After half of `grace` it is asked
    /// to, and after `grace` it is killed. Everything that it has started ends with it.
    pub(super) async fn end(&mut self, grace: Duration) {
        if timeout(grace / 2, self.wait()).await.is_err() {
            self.group.signal(Signal::TERM);
            let _ = timeout(grace / 2, self.wait()).await;
        }
        self.kill();
        let _ = self.wait().await;
    }

    /// Kills the process and everything that it has started.
    pub(super) fn kill(&self) {
        self.group.signal(Signal::KILL);
    }
}

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // It fails if no process is left.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// The command, with the limits and the user of the program.
fn command(options: &Options) -> Result<std::process::Command, Error> {
    let [program, arguments @ ..] = &*options.exec else {
        return Err(Error::failed("exec names no program"));
    };
    let confinement = options.confinement();
    let mut command = match confinement.command(program) {
        Ok(command) => command,
        // Within another program, children end at the end of their input.
        Err(_) if confinement == Confinement::default() => {
            let mut command = std::process::Command::new(OsString::from(program));
            command.arg0(program);
            command
        }
        Err(why) => return Err(Error::failed(why)),
    };
    command.args(arguments);
    Ok(command)
}

/// Starts a process on a thread that lasts as long as the service. A process that is killed with
/// its parent is killed when the thread that started it ends.
async fn spawn(command: std::process::Command) -> io::Result<Process> {
    type Job = Box<dyn FnOnce() + Send>;

    static SPAWNER: LazyLock<io::Result<mpsc::Sender<Job>>> = LazyLock::new(|| {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let run = move || waiting.into_iter().for_each(|job| job());
        thread::Builder::new().name("spawner".into()).spawn(run)?;
        Ok(jobs)
    });

    let (tell, told) = oneshot::channel();
    let runtime = Handle::current();
    let job = Box::new(move || {
        let _entered = runtime.enter();
        let mut command = Command::from(command);
        let _ = tell.send(command.kill_on_drop(true).spawn());
    });
    let ended = || io::Error::other("the thread that starts programs has ended");
    let spawner =
        SPAWNER.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
    spawner.send(job).map_err(|_| ended())?;
    told.await.map_err(|_| ended())?
}
