//! Clients of waterway, and those of a Django site, over one channel layer: the real Django, Channels
//! and `channels_redis`.

mod faults;
mod layer;

use serde_json::json;

use self::layer::{Browser, Shared, Way};
use crate::util::{Client, RedisKind};

/// Sends in all directions, between two processes of waterway, a Django site and a Django worker. Each
/// client checks its messages in their order, so a second copy or a lost one fails the test.
async fn interoperate(way: Way) {
    let shared = Shared::start(way);
    let (one, two) = (shared.waterway(), shared.waterway());
    let site = shared.site();
    let mut dora = Browser::open(&site).await;
    let mut anna = Client::connect(&one.ws("/room")).await;
    let mut ben = Client::connect(&two.ws("/room")).await;

    // From waterway to a group, whose members are in three processes.
    anna.send_text("hi").await;
    assert_eq!((anna.text().await, ben.text().await), ("hi".into(), "hi".into()));
    assert_eq!(dora.got().await, "hi");
    anna.send_binary(vec![0, 255]).await;
    assert_eq!((anna.binary().await, ben.binary().await), (vec![0, 255], vec![0, 255]));
    assert_eq!(dora.got().await, json!([0, 255]));

    // From Django to the group.
    let message = json!({"type": "websocket.send", "text": "from Django"});
    dora.ask("group_send", json!(["room", message])).await;
    for client in [&mut anna, &mut ben] {
        assert_eq!(client.text().await, "from Django");
    }
    assert_eq!(dora.got().await, "from Django");

    // From waterway to a channel of Django, and from one process of waterway to another.
    let ben_at_two = two.client_on("/room");
    let close = json!([{"send": {"text": "for you"}}, {"close": {"code": 4000, "reason": "why"}}]);
    assert_eq!(one.act(&json!({"client": dora.channel, "actions": close})), 204);
    assert_eq!(dora.got().await, "for you");
    assert_eq!(dora.next().await, json!({"code": 4000, "reason": "why"}));
    let actions = json!([{"send": {"text": "for ben"}}]);
    assert_eq!(one.act(&json!({"client": ben_at_two, "actions": actions})), 204);
    assert_eq!(ben.text().await, "for ben");

    // From Django to one client, which its group_add puts into a second group.
    if way.has_sets {
        dora.ask("group_add", json!(["room", ben_at_two])).await;
        dora.ask("group_add", json!(["guests", ben_at_two])).await;
        let message = json!({"type": "websocket.send", "text": "to guests"});
        dora.ask("group_send", json!(["guests", message])).await;
        assert_eq!(ben.text().await, "to guests");
        let actions = json!([{"send": {"text": "to guests again"}}]);
        assert_eq!(one.act(&json!({"group": "guests", "actions": actions})), 200);
        assert_eq!(ben.text().await, "to guests again");
        // Named by Django, and a member by waterway: still one message.
        anna.send_text("once").await;
        assert_eq!((anna.text().await, ben.text().await), ("once".into(), "once".into()));
        assert_eq!(dora.got().await, "once");
        dora.ask("group_discard", json!(["guests", ben_at_two])).await;
    }
    let message = json!({"type": "websocket.send", "bytes": [1, 2]});
    dora.ask("send", json!([ben_at_two, message])).await;
    assert_eq!(ben.binary().await, [1, 2]);
    let message = json!({"type": "websocket.close", "code": 4001, "reason": "go"});
    dora.ask("send", json!([ben_at_two, message])).await;
    assert_eq!(ben.closed().await, (4001, "go".to_owned()));

    // Events go to a worker of Django, which answers.
    let _worker = shared.worker("app");
    let offer = [("sec-websocket-protocol", "j")];
    let mut carl = shared.connect_when_listening(&one.ws("/app/carl"), &offer).await;
    assert_eq!(carl.subprotocol.as_deref(), Some("j"));
    assert_eq!(Client::try_connect(&one.ws("/app/stranger"), &[]).await.err(), Some(403));
    // The stranger has left too.
    assert_eq!(anna.text().await, "stranger left with 1006");
    assert_eq!(dora.got().await, "stranger left with 1006");
    carl.send_text("loud").await;
    carl.send_binary(vec![1, 2, 3]).await;
    assert_eq!((carl.text().await, carl.binary().await), ("LOUD".into(), vec![3, 2, 1]));
    carl.send_text("news").await;
    assert_eq!(carl.json().await, json!({"type": "chat.news", "n": 1}));
    assert_eq!(one.report()["unwanted"], 1);
    carl.send_text("bye").await;
    assert_eq!(carl.closed().await, (4002, "see you".to_owned()));
    assert_eq!(anna.text().await, "carl left with 4002");
}

#[tokio::test]
async fn django_and_waterway_share_clients_and_groups() {
    interoperate(Way::new(RedisKind::Redis)).await;
}

#[tokio::test]
async fn the_same_over_valkey() {
    interoperate(Way::new(RedisKind::Valkey)).await;
}

#[tokio::test]
async fn the_same_with_publish_and_subscribe() {
    interoperate(Way::new(RedisKind::Redis).published()).await;
}

#[tokio::test]
async fn the_same_with_encrypted_messages() {
    interoperate(Way::new(RedisKind::Redis).encrypted()).await;
    interoperate(Way::new(RedisKind::Valkey).published().encrypted()).await;
}

#[tokio::test]
async fn the_same_over_two_servers() {
    interoperate(Way::new(RedisKind::Redis).over(2)).await;
    interoperate(Way::new(RedisKind::Redis).published().over(2)).await;
}
