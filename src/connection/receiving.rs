//! A message or body that is half received: the memory it takes, and how fast it arrives.

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
    /// `None` while nothing large is half received.
    stake: Option<(Stake, usize)>,
    pace: Pace,
}

/// Why the rest of a message is not received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no memory for it.
    Memory(Spent),
    /// It arrives too slowly.
    Slow,
}

/// How fast something must arrive. It is measured over windows, so that a short pause does no harm.
struct Pace {
    /// Bytes in each window.
    least: u64,
    /// Bytes in this window so far.
    received: u64,
    /// When this window ends; `None` where nothing has been waited for.
    end: Option<Instant>,
    /// Kept from one window to the next, and set to the current window's end only when it fires:
    /// most messages arrive within microseconds.
    timer: Option<Pin<Box<Sleep>>>,
}

/// Over how long `limits.pace` is counted.
const WINDOW: Duration = Duration::from_secs(10);

impl Receiving {
    /// With nothing received yet. `pace` is the least number of bytes a second.
    pub(crate) fn new(transit: &Transit, address: Option<IpAddr>, pace: u64) -> Self {
        let least = pace.saturating_mul(WINDOW.as_secs());
        let pace = Pace { least, received: 0, end: None, timer: None };
        Self { transit: transit.clone(), address, stake: None, pace }
    }

    /// Takes memory before it is allocated. `bytes` is the size of all that is half received.
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

    /// All of it is received, and its memory is handed over with it; `None` if it took none.
    ///
    /// # Errors
    /// [`Refused::Memory`] when its memory has been revoked.
    pub(crate) fn finish(&mut self) -> Result<Option<Held>, Refused> {
        self.pace.end = None;
        let Some((stake, _)) = self.stake.take() else { return Ok(None) };
        stake.into_held().map(Some).ok_or(Refused::Memory(Spent::Lost))
    }

    /// This many bytes have arrived.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.pace.received = self.pace.received.saturating_add(bytes as u64);
    }

    /// Nothing is half received, or something new has begun: it has a window of its own.
    pub(crate) fn begin(&mut self) {
        self.pace.end = None;
    }

    /// Waits for a reason to give up the half-received data. Poll it whenever nothing arrives.
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
                // It was set for a window before this one.
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

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory(Spent::All) => "no memory is free (server.memory)",
            Self::Memory(Spent::Lost) => "it was the largest when memory was spent (server.memory)",
            Self::Memory(Spent::Address) => {
                "its address has too much half received (server.half_received)"
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

/// The reason in an error that was made of one.
pub(crate) fn refused(error: &io::Error) -> Option<Refused> {
    error.get_ref()?.downcast_ref().copied()
}
