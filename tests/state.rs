//! State that the queues and routes of one consumer share.

use crate::util::{Service, photo, post};

/// They share the whole state: the memory budget, coalescing and the cache. Answers show only the
/// cache.
#[test]
fn two_queues_and_a_route_that_name_one_consumer_share_its_state() {
    let queue = |name| format!("[queue.{name}]\nconsumer = 'pictures'\nworkers = 1\n");
    let route = |path, more| {
        format!("[[route]]\nchannel = 'http.request'\nmethod = 'POST'\npath = '{path}'\n{more}\n")
    };
    let table = [
        "[consumer.pictures]\nuse = 'image.work'\nurl = 'https://cdn.example'\ncache = '1MiB'\n",
        "[consumer.others]\nuse = 'image.work'\nurl = 'https://cdn.example'\ncache = '1MiB'\n",
        &queue("small"),
        &queue("large"),
        &route("/small", "consumer = 'image.http'\nqueue = 'small'"),
        &route("/large", "consumer = 'image.http'\nqueue = 'large'"),
        &route("/at/once", "consumer = 'pictures'"),
        &route("/other", "consumer = 'others'"),
    ];
    let service = Service::start(&table.concat());
    let picture = photo(64, 48);
    let urls = ["/small", "/large", "/at/once", "/other"].map(|path| {
        let answer = post(&service.url(path), picture.clone()).json();
        answer["url"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    });
    assert_eq!(urls[0], urls[1]);
    assert_eq!(urls[0], urls[2]);
    assert_ne!(urls[0], urls[3], "another name has a state of its own");
}
