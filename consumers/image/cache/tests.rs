//! Results are found by content, checked, and removed in the order of their use.

use std::future::ready;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn cache(entries: u64) -> Cache<u8, u32> {
    Cache::new(Size::new(entries * (OVERHEAD + 10)))
}

async fn found(cache: &Cache<u8, u32>, key: &Key<u8>) -> Option<u32> {
    cache.find(key, |_| ready(true)).await
}

#[tokio::test]
async fn a_result_is_found_by_its_picture_and_its_work() {
    let cache = cache(9);
    let key = cache.key(b"file", 1).unwrap();
    assert_eq!(found(&cache, &key).await, None);
    cache.keep(key, 7, 10);
    for (file, work, expected) in
        [(&b"file"[..], 1, Some(7)), (b"fil3", 1, None), (b"file", 2, None), (b"", 1, None)]
    {
        let key = cache.key(file, work).unwrap();
        assert_eq!(found(&cache, &key).await, expected, "{file:?} {work}");
    }
}

#[tokio::test]
async fn what_is_gone_is_forgotten_and_never_answered() {
    let cache = cache(9);
    let key = cache.key(b"file", 1).unwrap();
    cache.keep(key.clone(), 7, 10);
    assert_eq!(cache.find(&key, |result| ready(result != 7)).await, None);
    assert_eq!((found(&cache, &key).await, cache.bytes()), (None, 0));

    // Another caller stores a new result while the old one is looked up.
    cache.keep(key.clone(), 7, 10);
    let replaced = cache.find(&key, |_| {
        cache.keep(key.clone(), 8, 10);
        ready(false)
    });
    assert_eq!(replaced.await, None);
    assert_eq!(found(&cache, &key).await, Some(8));
}

#[tokio::test]
async fn a_cache_of_no_bytes_is_off() {
    let cache = Cache::<u8, u32>::new(Size::default());
    assert_eq!(cache.key(b"file", 1), None);
}

#[derive(Debug, Clone)]
enum Call {
    Keep { picture: u8, bytes: u64 },
    Find { picture: u8, there: bool },
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        (0..8_u8, 0..1200_u64).prop_map(|(picture, bytes)| Call::Keep { picture, bytes }),
        (0..8_u8, prop::bool::weighted(0.8))
            .prop_map(|(picture, there)| Call::Find { picture, there }),
    ]
}

proptest! {
    /// Against a list, the least recently used first.
    #[test]
    fn it_does_what_a_list_does_and_never_holds_more_than_it_may(calls in vec(call(), 0..200)) {
        const LIMIT: u64 = 3 * 1024;
        let cache = Cache::<u8, usize>::new(Size::new(LIMIT));
        let mut list = Vec::<(u8, usize, u64)>::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (n, call) in calls.into_iter().enumerate() {
            match call {
                Call::Keep { picture, bytes } => {
                    cache.keep(cache.key(&[picture], 0).unwrap(), n, bytes);
                    let bytes = bytes + OVERHEAD;
                    list.retain(|(other, ..)| *other != picture);
                    list.push((picture, n, bytes));
                    while list.iter().map(|(_, _, bytes)| bytes).sum::<u64>() > LIMIT {
                        list.remove(0);
                    }
                }
                Call::Find { picture, there } => {
                    let key = cache.key(&[picture], 0).unwrap();
                    let found = runtime.block_on(cache.find(&key, |_| ready(there)));
                    let at = list.iter().position(|(other, ..)| *other == picture);
                    let listed = at.map(|at| list.remove(at)).filter(|_| there);
                    list.extend(listed);
                    prop_assert_eq!(found, listed.map(|(_, n, _)| n));
                }
            }
            let bytes = list.iter().map(|(_, _, bytes)| bytes).sum::<u64>();
            prop_assert_eq!(cache.bytes(), bytes);
            prop_assert!(bytes <= LIMIT);
        }
    }
}

#[tokio::test]
async fn what_is_larger_than_the_cache_is_not_kept_and_drives_nothing_out() {
    let cache = cache(1);
    let (small, large) = (cache.key(b"small", 0).unwrap(), cache.key(b"large", 0).unwrap());
    cache.keep(small.clone(), 1, 10);
    for bytes in [11, u64::MAX] {
        cache.keep(large.clone(), 2, bytes);
        assert_eq!(found(&cache, &large).await, None);
    }
    assert_eq!(found(&cache, &small).await, Some(1));
}

#[test]
fn the_map_of_results_gives_memory_back() {
    let cache = cache(1000);
    let key = |picture: u32| cache.key(&picture.to_be_bytes(), 1).unwrap();
    for picture in 0..1000 {
        cache.keep(key(picture), picture, 10);
    }
    assert_eq!(cache.kept().results.len(), 1000);
    // One result that replaces all others.
    cache.keep(key(1000), 7, 1000 * (OVERHEAD + 10) - OVERHEAD);
    let kept = cache.kept();
    assert_eq!(kept.results.len(), 1);
    assert!(kept.results.capacity() < 100, "room for {}", kept.results.capacity());
}
