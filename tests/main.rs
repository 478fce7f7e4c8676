//! The black-box tests: the program `waterway` as its users meet it, and the house's own rules.
//!
//! One test program, linked once; `util` is its harness. Programs in other languages that the
//! tests talk to stand in `peers` (reference servers) and `clients`; `scripts/test` installs what
//! they need.

mod layout;
mod page;
mod python_client;
mod util;
mod wire;
