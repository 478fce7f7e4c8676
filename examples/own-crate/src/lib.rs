//! Three consumers, each an example of one thing.
//!
//! - [`poll`]: state that all connections share
//! - [`room`]: a group that knows who is present
//! - [`primes`]: a slow task with progress, which its client can cancel

pub mod poll;
pub mod primes;
pub mod room;

use waterway::Registry;

/// The consumers that `routing.toml` may name.
pub fn registry() -> Registry {
    Registry::new()
        .socket("poll", poll::Poll::new)
        .state::<poll::Tally>("poll")
        .socket("room", room::Guest::new)
        .state::<room::Presence>("room")
        .function("primes.ask", primes::ask)
        .function("primes.count", primes::count)
        .about("poll", "Counts votes, and tells all of its clients the count.")
        .about("room", "A room that knows who is present. Its path has one parameter, the room.")
        .about("primes.ask", "Queues a count of primes; `{\"cancel\": uuid}` stops one.")
        .about("primes.count", "Counts the primes up to a number, and reports its progress.")
}
