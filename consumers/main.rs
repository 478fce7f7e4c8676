//! The program `waterway`.

use std::process::ExitCode;

fn main() -> ExitCode {
    waterway_consumers::program::main()
}
