//! The application: every consumer that the program `waterway` knows, and the program itself.

pub mod chat;
pub mod close;
pub mod deny;
pub mod echo;
pub mod image;
pub mod media;
pub mod page;
pub mod program;
pub mod storage;

use waterway::{Channel, Registry};

/// Every consumer that a routing table of this program may name.
#[must_use]
pub fn registry() -> Registry {
    Registry::new()
        .function("chat.join", chat::join)
        .function("chat.leave", chat::leave)
        .function("chat.say", chat::say)
        .function("close", close::close)
        .function("deny", deny::deny)
        .socket("echo", echo::Echo::default)
        .function("image.cancel", image::cancel)
        .function("image.connect", image::connect)
        .function("image.disconnect", image::disconnect)
        .function("image.http", image::http)
        .function("image.receive", image::receive)
        .function("image.reprioritise", image::reprioritise)
        .function("image.viewport", image::viewport)
        .precedence("image.cancel", image::precedence::cancel)
        .precedence("image.receive", image::precedence::receive)
        .precedence("image.viewport", image::precedence::viewport)
        .function("image.work", image::work)
        .estimate("image.work", image::need)
        .background("image.work", image::sweep)
        .function("media", media::media)
        .function("page", page::page)
        .function("page.sample", page::sample)
        .serves("chat.join", [Channel::Connect])
        .serves("chat.leave", [Channel::Disconnect])
        .serves("image.cancel", [Channel::Receive])
        .serves("image.connect", [Channel::Connect])
        .serves("image.http", [Channel::Request])
        .serves("image.receive", [Channel::Receive])
        .serves("image.reprioritise", [Channel::Receive])
        .serves("image.viewport", [Channel::Receive])
        .serves("image.work", [Channel::Receive, Channel::Request])
        .serves("media", [Channel::Request])
        .serves("page", [Channel::Request])
        .serves("page.sample", [Channel::Request])
}
