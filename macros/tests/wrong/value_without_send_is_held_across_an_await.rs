use std::rc::Rc;

use waterway::{Error, ReplyChannel};

#[waterway::consumer]
async fn receive(client: ReplyChannel) -> Result<(), Error> {
    let text = Rc::new("hi".to_owned());
    std::future::ready(()).await;
    client.send(text.as_str().to_owned())
}

fn main() {}
