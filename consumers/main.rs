//! The program `waterway`.

use std::process::ExitCode;

/// Gives back the memory of clients that have left, which glibc keeps: `.cargo/config.toml` says
/// after how long.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    waterway_consumers::program::main()
}
