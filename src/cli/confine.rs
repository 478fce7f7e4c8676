//! A hidden command: it gives up rights, and then becomes the program of a consumer.
//!
//! A process may change its own limits and user without `unsafe` code, but not those of a child
//! that is about to start. So the service starts itself with this command, which changes its own
//! and then replaces itself with the program.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{
    Gid, Pid, Resource, Rlimit, Signal, Uid, getppid, set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use super::terminal::complain;

/// The first argument of the hidden command.
const COMMAND: &str = "--become-a-consumer";

/// Whether this process has been started by [`App::main`](super::App::main), so that its own binary
/// knows the command.
static IS_KNOWN: AtomicBool = AtomicBool::new(false);

/// The rights that a program of a consumer has. The program ends with the service, however that
/// ends.
///
/// ```
/// let confined = waterway::cli::Confinement { open_files: Some(64), ..Default::default() };
/// // Only a program that was started by `App::main` can confine others.
/// assert!(confined.command("true").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Confinement {
    /// The most data, in bytes: `RLIMIT_DATA`.
    pub memory: Option<u64>,
    /// The most CPU time, in seconds.
    pub cpu: Option<u64>,
    /// The most open files.
    pub open_files: Option<u64>,
    /// The user, or `user:group`, each a name or a number.
    pub user: Option<String>,
}

impl Confinement {
    /// A command for this program, to which arguments can be added. It must be started by a thread
    /// that lasts: the program is killed when that thread ends.
    ///
    /// # Errors
    /// If this process was not started by [`App::main`](super::App::main).
    pub fn command(&self, program: impl AsRef<OsStr>) -> Result<Command, &'static str> {
        if !IS_KNOWN.load(Ordering::Relaxed) {
            return Err("only a program that was started by `App::main` can confine others");
        }
        // The running binary, even if another has taken its place.
        let mut command = Command::new("/proc/self/exe");
        command.arg(COMMAND).arg(std::process::id().to_string());
        for limit in [self.memory, self.cpu, self.open_files] {
            command.arg(limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string()));
        }
        command.arg(self.user.as_deref().unwrap_or("-")).arg(program);
        Ok(command)
    }

    /// The numbers of the user and of its group, to whom files for the program belong.
    ///
    /// # Errors
    /// If the system does not know them.
    pub fn owner(&self) -> io::Result<Option<(u32, u32)>> {
        self.user.as_deref().map(ids).transpose()
    }
}

/// Becomes the program of a consumer, if the arguments say so; returns only if it cannot.
pub(super) fn become_if_asked() -> Option<ExitCode> {
    IS_KNOWN.store(true, Ordering::Relaxed);
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != COMMAND {
        return None;
    }
    let error = become_program(&arguments.collect::<Vec<_>>());
    complain(&error);
    Some(ExitCode::FAILURE)
}

/// The reason why it is not possible.
fn become_program(arguments: &[OsString]) -> String {
    let [parent, memory, cpu, open_files, user, program, arguments @ ..] = arguments else {
        return "the command is for the service itself".to_owned();
    };
    let confined = || -> Result<(), String> {
        for (resource, limit) in
            [(Resource::Data, memory), (Resource::Cpu, cpu), (Resource::Nofile, open_files)]
        {
            let Some(limit) = limit.to_str().and_then(|limit| limit.parse::<u64>().ok()) else {
                continue;
            };
            let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
            setrlimit(resource, limit).map_err(|error| format!("{resource:?}: {error}"))?;
        }
        if user != "-" {
            let user = user.to_string_lossy();
            change_user(&user).map_err(|error| format!("user = \"{user}\": {error}"))?;
        }
        // After the user, because a change of the user takes the signal away.
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| error.to_string())?;
        // The service may have ended before.
        let parent = parent.to_str().and_then(|parent| parent.parse().ok()).and_then(Pid::from_raw);
        if getppid() != parent {
            return Err("the service has ended".to_owned());
        }
        Ok(())
    };
    match confined() {
        Err(why) => why,
        Ok(()) => Command::new(program).args(arguments).exec().to_string(),
    }
}

/// Changes the user, its group and its other groups.
fn change_user(user: &str) -> io::Result<()> {
    let (uid, gid) = ids(user)?;
    // This process has one thread. The user is last, because it has the right to change the rest.
    set_thread_groups(&[Gid::from_raw(gid)])?;
    set_thread_gid(Gid::from_raw(gid))?;
    set_thread_uid(Uid::from_raw(uid))?;
    Ok(())
}

/// The numbers of a user and a group.
fn ids(user: &str) -> io::Result<(u32, u32)> {
    let (user, group) = match user.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (user, None),
    };
    let unknown = |what: &str| io::Error::new(io::ErrorKind::NotFound, format!("no such {what}"));
    let known = entry("/etc/passwd", user);
    let number = |fields: &Vec<String>, at: usize| fields.get(at)?.parse::<u32>().ok();
    let uid = known.as_ref().and_then(|fields| number(fields, 2)).or_else(|| user.parse().ok());
    let uid = uid.ok_or_else(|| unknown("user"))?;
    let gid = match group {
        Some(group) => entry("/etc/group", group)
            .and_then(|fields| number(&fields, 2))
            .or_else(|| group.parse().ok()),
        None => known.as_ref().and_then(|fields| number(fields, 3)),
    };
    Ok((uid, gid.ok_or_else(|| unknown("group: write \"user:group\""))?))
}

/// The line of such a file that begins with this name, or whose third field is it.
fn entry(file: &str, name: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(file).ok()?;
    let fields = text.lines().map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>());
    fields.into_iter().find(|fields| {
        fields.first().is_some_and(|first| first == name)
            || fields.get(2).is_some_and(|number| number == name)
    })
}
