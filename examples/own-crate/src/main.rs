//! The program: the consumers of this crate, served by `routing.toml`.

use std::process::ExitCode;

use waterway::cli::App;

fn main() -> ExitCode {
    App::new(own_crate::registry())
        .program("own-crate", env!("CARGO_PKG_VERSION"))
        .about("A poll, rooms and prime numbers.")
        .demo(include_str!("../routing.toml"))
        .main()
}
