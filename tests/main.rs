//! The black-box tests: they use the program `waterway` as its users do. `layout` checks the
//! repository's own rules.
//!
//! The tests are one program, so they are linked once; `util` is their harness. Programs in other
//! languages are in `peers` (reference servers) and `clients`; `scripts/test` installs their
//! packages.

// In a test every `unwrap` is an assertion, also in helper functions.
#![allow(clippy::unwrap_used)]

mod admin;
mod auth;
mod bad_input;
mod bad_pictures;
mod bad_wire;
mod check;
mod cli;
mod compose;
mod conformance;
mod contract;
mod cors;
#[cfg(feature = "redis")]
mod django;
mod events;
mod explain;
mod gate;
mod groups;
mod hosts;
mod kept;
mod layout;
mod lifecycle;
mod log;
mod machine;
mod matrix;
mod memory;
mod new;
mod per_address;
mod pictures;
mod page;
mod private;
mod programs;
mod python_client;
mod queue;
#[cfg(feature = "redis")]
mod queues;
mod rate;
mod reload;
mod replace;
mod reports;
#[cfg(feature = "redis")]
mod scale;
mod schema;
#[cfg(feature = "redis")]
mod servers;
mod signals;
mod state;
mod steps;
mod storage;
mod table_tests;
mod tasks;
mod util;
mod webhook;
mod web;
mod wire;
