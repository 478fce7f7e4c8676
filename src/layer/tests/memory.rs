//! Tests of the memory that the engine in memory takes.

use super::*;
use crate::layer::Kind;

fn memory(layer: &ChannelLayer) -> &crate::layer::MemoryLayer {
    match &layer.engine {
        Kind::Memory(memory) => memory,
        #[cfg(feature = "redis")]
        Kind::Redis(_) => panic!("the default is the engine in memory"),
    }
}

#[tokio::test]
async fn an_empty_group_takes_no_memory() {
    let layer = ChannelLayer::default();
    let (anna, _replies) = join(&layer, ANNA, OutboxLimits::default());
    layer.group("room").add(&anna).await.unwrap();
    layer.leave(ANNA);
    assert_eq!(memory(&layer).sizes(), (0, 0));
}

#[tokio::test]
async fn the_memory_of_clients_is_given_back_when_they_have_left() {
    let layer = ChannelLayer::default();
    let room = layer.group("room");
    let names: Vec<_> = (0..5000).map(|number| format!("client {number}")).collect();
    for name in &names {
        let (channel, _replies) = join(&layer, name, OutboxLimits::default());
        room.add(&channel).await.unwrap();
        layer.group(name.as_str()).add(&channel).await.unwrap();
    }
    let (first, others) = names.split_first().unwrap();
    for name in others {
        layer.leave(name);
    }
    let memory = memory(&layer);
    assert_eq!((memory.sizes(), room.len().await.unwrap()), ((1, 2), 1));
    for capacity in memory.capacities("room") {
        assert!(capacity <= 64, "room for {capacity}");
    }
    layer.leave(first);
    assert_eq!(memory.sizes(), (0, 0));
}
