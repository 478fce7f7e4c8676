//! Starts a program once, for `check --start`, and ends it again.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use waterway::{Error, Host};

use super::child::{Child, Pipes};
use super::errors;
use super::missing::{Missing, missing};
use super::options::{Instances, Mode, Options};
use super::pool::Pool;
use super::shared::Shared;

/// How long a program with `mode = "lines"` is watched, because it does not say that it is ready.
const WATCHED: Duration = Duration::from_secs(1);

/// Starts a program once and ends it. Returns a sentence about it.
///
/// # Errors
/// Why it does not start. The cause has a second line, with the way out.
pub(super) async fn start_once(mut options: Options, host: &Host) -> Result<String, Error> {
    if let Some(Missing { why, help }) = missing(&options) {
        return Err(Error::failed(format!("{why}\n{help}")));
    }
    let command = options.command();
    let folder = std::path::absolute(options.folder.as_deref().unwrap_or(Path::new(".")));
    let folder = folder.unwrap_or_default();
    let by_hand = format!("run it by hand in the folder {}", folder.display());
    options.instances = Some(Instances { min: 1, max: 1 });
    let (began, mode) = (Instant::now(), options.mode);
    let shared = Shared::new(options, host)?;
    let (started, help) = match mode {
        Mode::Events => {
            let help = format!(
                "{by_hand}: its first line must be {{\"ready\":true}}; a program of plain lines needs \
                 mode = \"lines\""
            );
            (start_for_events(shared).await, help)
        }
        Mode::Lines => (start_for_lines(&shared).await, by_hand),
    };
    let took = began.elapsed().as_millis();
    match started {
        Ok(()) => Ok(format!("{command} starts within {took} ms")),
        Err(error) => {
            let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            Err(Error::failed(format!("{why}\n{help}")))
        }
    }
}

async fn start_for_events(shared: Shared) -> Result<(), Error> {
    Pool::start(shared).await?.stop().await;
    Ok(())
}

/// Starts a program whose input has ended. It may end with success, or still run after a while.
async fn start_for_lines(shared: &Shared) -> Result<(), Error> {
    let (mut child, Pipes { input, output, errors }) = Child::start(&shared.options, &[]).await?;
    drop(input);
    let log = errors::log(errors, Arc::clone(&shared.consumer), child.id());
    let log = shared.tasks.spawn_on(log, &shared.runtime);
    let ended = timeout(WATCHED, child.wait()).await;
    drop(output);
    child.end(shared.options.grace.duration()).await;
    match ended {
        Ok(Ok(status)) if !status.success() => {
            let (command, said) = (shared.options.command(), errors::said(log).await);
            Err(Error::failed(format!("{command}: it ended: {status}{said}")))
        }
        Ok(Err(error)) => Err(error.into()),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}
