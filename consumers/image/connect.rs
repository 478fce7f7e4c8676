//! `image.connect` and `image.disconnect`: a page comes and goes.

use waterway::{CloseCode, Reply, ReplyChannel};

/// Greets the page with `{}`, as the seed program does: it may send its pictures now.
pub async fn connect() -> Reply {
    Reply::text("{}")
}

/// The page has left. The queue has seen to its pictures already, by `on_disconnect`.
pub async fn disconnect(CloseCode(code): CloseCode, page: ReplyChannel) {
    tracing::debug!(client = %page.name(), code, "page left");
}
