//! Pictures in a bucket, on a server that checks signatures.

use serde_json::{Value, json};

use super::check;
use crate::util::{Bucket, Page, Service, get, photo, picture_table, request};

/// The last part of an address: the file's name.
fn name(url: &str) -> &str {
    let path = url.split('?').next().unwrap();
    path.rsplit('/').next().unwrap()
}

fn url(answer: &Value) -> &str {
    answer["url"].as_str().unwrap_or_else(|| panic!("no url: {answer}"))
}

#[tokio::test]
async fn pictures_are_in_the_bucket_and_fetched_by_a_signed_address() {
    let bucket = Bucket::start();
    let pictures = bucket.storage("url = { presigned = '10m' }");
    let service = Service::start(&picture_table("", &pictures));
    let mut page = Page::open(&service).await;
    let file = photo(40, 30);
    page.send(json!({"uuid": 1, "zoom": 0.5}), &file).await;
    let answer = page.answer().await;
    let url = url(&answer);
    assert!(url.starts_with(&bucket.endpoint()) && url.contains("X-Amz-Expires=600"), "{url}");

    let result = name(url);
    let received = result.strip_prefix("rb_").unwrap();
    assert_eq!(bucket.names(), [received, result]);
    assert_eq!(bucket.object(received), file);
    assert!(service.media_names().is_empty(), "nothing is stored outside the bucket");

    let fetched = get(url);
    assert_eq!((fetched.status, &fetched.body), (200, &bucket.object(result)));
    assert_eq!(fetched.header("content-type"), "image/jpeg");
    assert_eq!(fetched.header("cache-control"), "max-age=31536000, immutable");
    let made = image::load_from_memory(&fetched.body).unwrap();
    assert_eq!((made.width(), made.height()), (20, 15));

    let (unsigned, _) = url.split_once('?').unwrap();
    let altered_signature = match url.strip_suffix('0') {
        Some(rest) => format!("{rest}1"),
        None => format!("{}0", &url[..url.len() - 1]),
    };
    for (what, altered) in [
        ("another name", url.replace(result, received)),
        ("a longer life", url.replace("X-Amz-Expires=600", "X-Amz-Expires=6000")),
        ("another signature", altered_signature),
        ("no signature", unsigned.to_owned()),
    ] {
        assert_eq!(get(&altered).status, 403, "{what}");
    }
}

#[tokio::test]
async fn the_table_gives_the_base_of_a_public_address() {
    let bucket = Bucket::start();
    let pictures = bucket.storage("url = 'https://cdn.example.com/pictures/'");
    let service = Service::start(&picture_table("", &pictures));
    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 1}), &photo(8, 8)).await;
    let answer = page.answer().await;
    let expected = format!("https://cdn.example.com/pictures/{}", bucket.names()[1]);
    assert_eq!(url(&answer), expected);
}

#[tokio::test]
async fn objects_that_no_answer_names_do_not_stay_in_the_bucket() {
    let bucket = Bucket::start();
    let service = Service::start(&picture_table("", &bucket.storage("")));
    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 1, "rType": "slow", "progress": true}), &photo(300, 300)).await;
    while page.0.json().await["stage"] != "rotate" {}
    assert_eq!(bucket.names().len(), 1, "it is kept while it is worked on");
    page.say(json!({"type": "cancel", "uuid": 1})).await;
    assert_eq!(page.answer().await["code"], "cancelled");
    bucket.wait_until_empty().await;

    page.send(json!({"uuid": 2, "rType": "broken"}), &photo(8, 8)).await;
    let answer = page.answer().await;
    assert_eq!((&answer["code"], bucket.names().len()), (&json!("step_failed"), 2), "{answer}");
    assert_eq!(bucket.object(name(url(&answer))), photo(8, 8));
}

#[tokio::test]
async fn a_server_that_is_down_is_reported_and_used_again_when_it_is_back() {
    let mut bucket = Bucket::start();
    let service = Service::start(&picture_table("", &bucket.storage("")));
    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 1}), &photo(8, 8)).await;
    assert!(page.answer().await["url"].is_string());

    bucket.stop();
    page.send(json!({"uuid": 2}), &photo(8, 8)).await;
    let answer = page.answer().await;
    let message = "the picture could not be stored";
    let reported = json!({"error": message, "code": "storage", "retry_after_ms": 5000, "uuid": 2});
    assert_eq!(answer, reported);
    let line = service.wait_for_log("task failed");
    assert!(line.contains(&bucket.endpoint()), "the log has the detail: {line}");
    assert!(!service.log().contains("secret"), "but no secret");

    bucket.start_again();
    page.send(json!({"uuid": 3}), &photo(8, 8)).await;
    assert!(page.answer().await["url"].is_string(), "it is used again");
}

#[tokio::test]
async fn a_key_unknown_to_the_server_is_a_storage_error() {
    let bucket = Bucket::start();
    let storage = bucket.storage("").replace("secret_key = 'secret'", "secret_key = 'wrong'");
    let service = Service::start(&picture_table("", &storage));
    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 1}), &photo(8, 8)).await;
    assert_eq!(page.answer().await["code"], "storage");
    assert!(bucket.names().is_empty());
}

#[tokio::test]
async fn media_passes_objects_on_by_the_same_rules_as_files() {
    let mut bucket = Bucket::start();
    let results = bucket.storage("prefix = 'rb_'\nuse = 'media'");
    let table = picture_table("", &bucket.storage(""))
        .replace("consumer = 'media'", "consumer = 'results'");
    let service = Service::start(&format!("{table}\n[consumer.results]\n{results}\n"));
    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 1}), &photo(40, 30)).await;
    let answer = page.answer().await;
    let url = url(&answer);
    assert_eq!(url, service.url(&format!("/upload/{}", name(url))));
    let object = bucket.object(name(url));

    let whole = get(url);
    assert_eq!((whole.status, &whole.body), (200, &object));
    for (header, value) in [
        ("content-type", "image/jpeg"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(whole.header(header), value, "{header}");
    }
    let tag = whole.header("etag");
    let known = request("GET", url, &[("if-none-match", tag)], "");
    assert_eq!((known.status, known.body.len()), (304, 0));
    let part = request("GET", url, &[("range", "bytes=2-5"), ("if-range", tag)], "");
    assert_eq!((part.status, &part.body[..]), (206, &object[2..6]));
    assert_eq!(part.header("content-range"), format!("bytes 2-5/{}", object.len()));
    let beyond = request("GET", url, &[("range", "bytes=999999-")], "");
    assert_eq!(beyond.status, 416);
    for (headers, status) in [
        (("if-match", tag), 200),
        (("if-match", "\"other\""), 412),
        (("if-unmodified-since", whole.header("last-modified")), 200),
        (("if-unmodified-since", "Sun, 09 Sep 2001 01:46:40 GMT"), 412),
    ] {
        assert_eq!(request("GET", url, &[headers], "").status, status, "{headers:?}");
    }

    let received = name(url).strip_prefix("rb_").unwrap();
    for hidden in [received, "rb_nothing.jpg", "rb_a/../../b", "../pictures", "rb_%00", "rb_%2e%2e"]
    {
        assert_eq!(get(&service.url(&format!("/upload/{hidden}"))).status, 404, "{hidden}");
    }
    // Whatever type an object has, a browser must not run it.
    bucket.put("rb_page.html", "text/html", b"<script>alert(1)</script>").await;
    let page = get(&service.url("/upload/rb_page.html"));
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "application/octet-stream");
    assert_eq!(page.header("content-disposition"), "attachment");

    bucket.stop();
    let down = get(url);
    assert_eq!((down.status, down.json()["code"].clone()), (507, json!("storage")));
}

#[test]
fn retention_cannot_be_combined_with_a_bucket() {
    let storage = "storage = { s3 = { bucket = 'abc', region = 'eu-central-1' } }\n";
    let report = check(&format!("{storage}retention = {{ age = '30d' }}")).unwrap();
    assert!(report.contains("retention cannot be combined with a bucket"), "{report}");
    assert!(report.contains("lifecycle rules"), "{report}");
    assert_eq!(check(&format!("{storage}url = 'presigned'")), None);
}
