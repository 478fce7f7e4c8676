//! Redis or Valkey: the address of a server, a connection to it that is made again after each loss,
//! and scripts that run there.

#[cfg(feature = "redis")]
mod failure;
#[cfg(all(test, feature = "redis"))]
#[path = "../../tests/util/redis.rs"]
#[allow(dead_code, reason = "the black-box tests use the rest of it")]
pub(crate) mod private;
#[cfg(feature = "redis")]
mod server;
#[cfg(all(test, feature = "redis"))]
mod tests;
#[cfg(feature = "redis")]
mod tls;
mod url;

pub use self::url::RedisUrl;
#[cfg(feature = "redis")]
pub(crate) use self::{failure::Failure, server::Server};
