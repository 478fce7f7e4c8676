//! A half-received message or body: the memory that it takes, and the pace at which it arrives.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::memory::{Held, Spent, Stake, Transit};

/// The half-received data of one connection.
pub(crate) struct Receiving {
    transit: Transit,
    address: Option<IpAddr>,
    /// The memory and its size; `None` while no large data is half received.
    stake: Option<(Stake, usize)>,
    pace: Pace,
}

/// Why the rest of a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The memory for it is used up.
    Memory(Spent),
    /// It arrives too slowly.
    Slow,
}

/// The pace at which data must arrive, measured over windows, so that a short pause is harmless.
struct Pace {
    /// The least number of bytes in each window.
    least: u64,
    /// The number of bytes in this window so far.
    received: u64,
    /// When this window ends; `None` if no data is expected.
    end: Option<Instant>,
    /// The timer is kept from one window to the next, and is set to the end of the current window
    /// only when it fires, because most messages arrive within microseconds.
    timer: Option<Pin<Box<Sleep>>>,
}

/// The window over which `limits.pace` is measured.
const WINDOW: Duration = Duration::from_secs(10);

impl Receiving {
    /// Without received data. `pace` is the least number of bytes a second.
    pub(crate) fn new(transit: &Transit, address: Option<IpAddr>, pace: u64) -> Self {
        let pace = Pace { least: least(pace), received: 0, end: None, timer: None };
        Self { transit: transit.clone(), address, stake: None, pace }
    }

    /// Follows another pace from the current window on.
    pub(super) fn set_pace(&mut self, pace: u64) {
        self.pace.least = least(pace);
    }

    /// Takes memory before it is allocated. `bytes` is the total size of the half-received data.
    ///
    /// # Errors
    /// [`Refused::Memory`].
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), Refused> {
        let (stake, taken) =
            self.stake.get_or_insert_with(|| (self.transit.stake(self.address), 0));
        stake.resize(bytes).map_err(Refused::Memory)?;
        *taken = bytes;
        Ok(())
    }

    /// Takes this much more memory.
    ///
    /// # Errors
    /// [`Refused::Memory`].
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Refused> {
        let taken = self.stake.as_ref().map_or(0, |(_, taken)| *taken);
        self.resize(taken.saturating_add(bytes))
    }

    /// Ends the data as complete, and returns its memory; `None` if it took none.
    ///
    /// # Errors
    /// [`Refused::Memory`] if its memory has been revoked.
    pub(crate) fn finish(&mut self) -> Result<Option<Held>, Refused> {
        self.pace.end = None;
        let Some((stake, _)) = self.stake.take() else { return Ok(None) };
        stake.into_held().map(Some).ok_or(Refused::Memory(Spent::Lost))
    }

    /// Counts bytes that have arrived.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.pace.received = self.pace.received.saturating_add(bytes as u64);
    }

    /// Starts a new window with the next data.
    pub(crate) fn begin(&mut self) {
        self.pace.end = None;
    }

    /// Waits for a reason to give up the half-received data. Poll it whenever reading is pending.
    pub(crate) fn poll_refused(&mut self, context: &mut Context<'_>) -> Poll<Refused> {
        if let Some((stake, _)) = &self.stake
            && stake.poll_lost(context).is_ready()
        {
            return Poll::Ready(Refused::Memory(Spent::Lost));
        }
        self.pace.poll_slow(context).map(|()| Refused::Slow)
    }
}

impl Pace {
    fn poll_slow(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let Self { received, end, timer, .. } = self;
            let end = *end.get_or_insert_with(|| {
                *received = 0;
                Instant::now() + WINDOW
            });
            let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
            ready!(timer.as_mut().poll(context));
            if Instant::now() < end {
                // The timer was set for an earlier window.
                timer.as_mut().reset(end);
                continue;
            }
            if self.received < self.least {
                return Poll::Ready(());
            }
            self.end = None;
        }
    }
}

/// The least number of bytes in a window, at this pace in bytes a second.
fn least(pace: u64) -> u64 {
    pace.saturating_mul(WINDOW.as_secs())
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory(Spent::All) => "no memory is free (server.memory)",
            Self::Memory(Spent::Lost) => {
                "its data took the most when memory was used up (server.memory)"
            }
            Self::Memory(Spent::Address) => {
                "its address has too much half-received data (server.half_received)"
            }
            Self::Slow => "it arrives too slowly (limits.pace)",
        })
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        let kind = match refused {
            Refused::Memory(_) => io::ErrorKind::OutOfMemory,
            Refused::Slow => io::ErrorKind::TimedOut,
        };
        Self::new(kind, refused)
    }
}

/// The reason for the refusal, if the error was made from one.
pub(crate) fn refused(error: &io::Error) -> Option<Refused> {
    error.get_ref()?.downcast_ref().copied()
}
