//! The program `waterway`.

use std::process::ExitCode;

/// Returns the memory of clients that have left to the system, which glibc would keep.
/// `.cargo/config.toml` sets the delay.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    waterway_consumers::app().main()
}
