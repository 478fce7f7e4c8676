//! What the work on a picture costs: its stages apart, and the whole job without a socket.
//!
//! ```sh
//! cargo bench -p waterway-consumers             # everything
//! cargo bench -p waterway-consumers -- decode   # what has this in its name
//! cargo bench -p waterway-consumers --features turbo
//! ```
//!
//! With `turbo` its stages stand beside those in Rust, and the whole job is done with it.

mod photo;
mod stages;
mod whole;

use std::time::Duration;

use divan::Divan;

/// How long a line of the table may take, unless the command line says otherwise.
const TIME_MAX: Duration = Duration::from_secs(3);

fn main() {
    Divan::default().max_time(TIME_MAX).config_with_args().main();
}
