//! Consumers of every shape compile as they do without the attribute.

use waterway::{Error, Json, Message, Path, Reply, ReplyChannel, Text};

#[waterway::consumer]
async fn nothing() {}

#[waterway::consumer]
async fn text(Text(text): Text) -> String {
    text.to_uppercase()
}

#[waterway::consumer]
pub(crate) async fn all(
    Path((room, name)): Path<(String, u32)>,
    mut message: Message,
    client: ReplyChannel,
) -> Result<Json<Vec<String>>, Error> {
    message.params = [].into();
    client.send("first")?;
    Ok(Json(vec![room, name.to_string()]))
}

fn main() {
    #[waterway::consumer]
    async fn within() -> Option<Reply> {
        None
    }

    let registry = waterway::Registry::new()
        .function("nothing", nothing)
        .function("text", text)
        .function("all", all)
        .function("within", within);
    assert_eq!(registry.names().count(), 4);
}
