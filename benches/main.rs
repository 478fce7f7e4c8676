//! What the work on a picture costs: its stages apart, and the whole job without a socket.
//!
//! ```sh
//! cargo bench -p waterway-consumers             # everything
//! cargo bench -p waterway-consumers -- decode   # what has this in its name
//! ```

mod photo;
mod stages;
mod whole;

fn main() {
    divan::main();
}
