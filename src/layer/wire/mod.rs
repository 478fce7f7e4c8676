//! The wire format of `channels_redis` 4.3, the channel layer of Django Channels, as data: nothing
//! here opens a connection.

mod fernet;
mod fields;
mod names;
mod serializer;

pub(crate) use fernet::Fernet;
pub(crate) use fields::Fields;
pub(crate) use names::{Names, Shards, is_channel, local_part, non_local};
pub(crate) use serializer::Serializer;
