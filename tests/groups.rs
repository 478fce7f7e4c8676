//! How a consumer reaches clients other than its own: by name, and by group.

use waterway::testing::{self, TestClient};
use waterway::{ChannelLayer, Path, Registry, Reply, ReplyChannel, Text};

#[tokio::test]
async fn a_group_reaches_its_members_until_they_leave() {
    let registry = Registry::new()
        .function(
            "join",
            async |Path(room): Path<String>, socket: ReplyChannel, l: ChannelLayer| {
                l.group(room).add(&socket).await?;
                socket.send(socket.name().to_string())
            },
        )
        .function(
            "say",
            async |Path(room): Path<String>, Text(text), me: ReplyChannel, l: ChannelLayer| {
                match text.split_once(' ') {
                    Some(("to", name)) => l.send(name, "for you alone").await,
                    _ if text == "leave" => {
                        l.group(room).discard(&me).await?;
                        me.send("left")
                    }
                    _ => me.send(l.group(room).send(Reply::text(text)).await?.sent.to_string()),
                }
            },
        );
    let table = "[[route]]
channel = 'websocket.connect'
path = '/{room}'
consumer = 'join'
\
                 [[route]]
channel = 'websocket.receive'
path = '/{room}'
consumer = 'say'
";
    let service = testing::start(table, &registry).await;
    let join = async |target| {
        let mut client = TestClient::connect(&service, target).await.unwrap();
        let name = client.receive().await.text().to_owned();
        (client, name)
    };
    let ((mut anna, anna_name), (mut ben, ben_name)) = (join("/den").await, join("/den").await);
    let (mut eve, _) = join("/attic").await;
    assert_ne!(anna_name, ben_name);
    anna.send("hello").await;
    assert_eq!(ben.receive().await.text(), "hello");
    assert_eq!(anna.receive().await.text(), "hello");
    assert_eq!(anna.receive().await.text(), "2");
    eve.send(format!("to {ben_name}")).await;
    assert_eq!(ben.receive().await.text(), "for you alone");
    ben.send("leave").await;
    assert_eq!(ben.receive().await.text(), "left");
    anna.send("alone?").await;
    assert_eq!(anna.receive().await.text(), "alone?");
    assert_eq!(anna.receive().await.text(), "1");
    anna.disconnect(1000).await;
    assert!(service.layer().group("den").is_empty().await.unwrap());
    eve.send(format!("to {anna_name}")).await;
    eve.send("hello").await;
    assert_eq!(eve.receive().await.text(), "hello", "a member that has left causes no failure");
}
