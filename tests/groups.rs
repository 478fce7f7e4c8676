//! How a consumer reaches clients other than its own: by name, and by group.

use waterway::testing::TestClient;
use waterway::{ChannelLayer, Path, Registry, Reply, ReplyChannel, Router, Text};

#[tokio::test]
async fn a_group_reaches_its_members_until_they_leave() {
    let registry = Registry::new()
        .function(
            "join",
            async |Path(room): Path<String>, socket: ReplyChannel, l: ChannelLayer| {
                l.group(room).add(&socket)?;
                socket.send(socket.name().to_string())
            },
        )
        .function(
            "say",
            async |Path(room): Path<String>, Text(text), me: ReplyChannel, l: ChannelLayer| {
                match text.split_once(' ') {
                    Some(("to", name)) => l.send(name, "for you alone"),
                    _ if text == "leave" => {
                        l.group(room).discard(&me);
                        me.send("left")
                    }
                    _ => me.send(format!("{}", l.group(room).send(Reply::text(text)).sent)),
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
    let router = Router::parse(table, &registry).unwrap_or_else(|e| panic!("{}", e.report()));
    let join = async |target| {
        let mut client = TestClient::connect(&router, target).await.unwrap();
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
    assert!(router.layer().group("den").is_empty());
    eve.send(format!("to {anna_name}")).await;
    eve.send("hello").await;
    assert_eq!(eve.receive().await.text(), "hello", "who has left is no failure");
}
