//! `image.connect` and `image.disconnect`: a page connects and leaves.

use waterway::extract::CloseCode;
use waterway::{Reply, ReplyChannel};

/// Greets the page with `{}`, like the Tornado program: the page may now send its pictures.
pub async fn connect() -> Reply {
    Reply::text("{}")
}

/// The page has left. The queue has already handled its pictures, by `on_disconnect`.
pub async fn disconnect(CloseCode(code): CloseCode, page: ReplyChannel) {
    tracing::debug!(client = %page.name(), code, "page left");
}
