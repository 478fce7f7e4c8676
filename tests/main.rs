//! The black-box tests: the program `waterway` as its users meet it, and the house's own rules.
//!
//! One test program, linked once; `util` is its harness. Programs in other languages that the
//! tests talk to stand in `peers` (reference servers) and `clients`; `scripts/test` installs what
//! they need.

// In a test every `unwrap` is an assertion, in its helping functions too.
#![allow(clippy::unwrap_used)]

mod auth;
mod bad_input;
mod bad_pictures;
mod bad_wire;
mod check;
mod cli;
mod contract;
mod cors;
mod events;
mod groups;
mod hosts;
mod kept;
mod layout;
mod lifecycle;
mod log;
mod machine;
mod matrix;
mod memory;
mod per_address;
mod pictures;
mod page;
mod private;
mod python_client;
mod queue;
mod rate;
mod reports;
mod signals;
mod steps;
mod storage;
mod tasks;
mod util;
mod wire;
