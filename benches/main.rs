//! Measures the cost of a picture, each stage and the whole job without a socket; and of an event.
//!
//! ```sh
//! cargo bench -p waterway-consumers             # everything
//! cargo bench -p waterway-consumers -- decode   # benchmarks with this in their names
//! cargo bench -p waterway-consumers --features turbo
//! ```
//!
//! With `turbo`, its stages are listed next to those in Rust, and the whole job uses it.

#[cfg(feature = "webhook")]
mod events;
mod photo;
#[cfg(feature = "webhook")]
mod receiver;
mod stages;
mod whole;

use std::time::Duration;

use divan::Divan;

/// How long a line of the table may take, unless the command line says otherwise.
const TIME_MAX: Duration = Duration::from_secs(3);

fn main() {
    Divan::default().max_time(TIME_MAX).config_with_args().main();
}
