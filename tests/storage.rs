//! Where pictures are kept: a bucket of an S3 server, and a folder that is swept.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::util::{Page, Service, get, photo, picture_table, post, waterway};

/// The report of `waterway check` on a picture service with these keys; `None` if the table is
/// sound.
fn check(pictures: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("routing.toml"), picture_table("", pictures)).unwrap();
    let output = waterway(folder.path(), &["check"]);
    let report = String::from_utf8(output.stderr).unwrap();
    (!output.status.success()).then_some(report)
}

#[test]
fn mistakes_in_a_storage_are_reported_at_their_place() {
    // `[consumer.pictures]` is on the fifth line, and these keys begin on the seventh.
    for (pictures, place, message) in [
        ("storage = 5", "7:11", "expected a folder's path or { s3 = "),
        ("storage = { s4 = {} }", "7:13", "unknown key \"s4\""),
        (
            "storage = { min_free = '1GiB', s3 = { bucket = 'abc', region = 'x' } }",
            "7:11",
            "min_free is for a folder",
        ),
        ("storage = { folder = 'a', min_free = 5 }", "7:38", "5 has no unit"),
        ("storage = {}", "7:11", "the place where files are kept is missing"),
        ("folder = 'a'\nstorage = 'b'", "5:1", "\"storage\" is given twice, once under another"),
        ("storage = { s3 = { region = 'eu-central-1' } }", "7:18", "missing key \"bucket\""),
        ("storage = { s3 = { bucket = 'a b' } }", "7:29", "is not the name of a bucket"),
        ("storage = { s3 = { bucket = 'abc' } }", "7:11", "the bucket has no region"),
        (
            "storage = { s3 = { bucket = 'abc', region = 'x', access_key = 'a' } }",
            "7:11",
            "access_key and secret_key belong together",
        ),
        ("url = 'presigned'", "5:1", "url = \"presigned\" needs a bucket"),
        ("url = 'somewhere'", "7:7", "somewhere"),
        ("url = { presigned = '8d' }", "7:21", "an address cannot last 8d"),
        ("url = { signed = '1h' }", "7:9", "unknown key \"signed\""),
        ("retention = { age = '1m' }", "7:13", "an age of 1m is less than the 1h of keep_for"),
        ("retention = { age = 5 }", "7:21", "5 has no unit"),
        ("retention = { keep_for = '2h' }", "7:13", "this retention removes nothing"),
        ("retention = { keep = '1h' }", "7:15", "unknown key \"keep\""),
    ] {
        let report = check(pictures).unwrap_or_else(|| panic!("{pictures} is taken"));
        assert!(report.contains(&format!("routing.toml:{place}: ")), "{place}: {report}");
        assert!(report.contains(message), "{message}: {report}");
    }
    for pictures in [
        "folder = 'a'",
        "storage = 'a'",
        "storage = { folder = 'a', min_free = '0B' }",
        "storage = { folder = 'a' }\nurl = 'https://cdn.example.com/pictures'",
        "retention = { age = '30d', size = '10GiB', keep_for = '2h', every = '5m' }",
    ] {
        assert_eq!(check(pictures), None, "{pictures}");
    }
}

#[tokio::test]
async fn old_pictures_and_leftovers_of_a_crash_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let media = folder.path().join("media");
    fs::create_dir(&media).unwrap();
    let name = "01868a3c-7c00-7000-8000-000000000001";
    let part = ".0123456789abcdef0123456789abcdef.part";
    let result = format!("rb_{name}.jpg");
    for file in [&format!("{name}.jpg"), &result, part, "holiday.jpg"] {
        let file = File::create(media.join(file)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
    }
    let pictures = "retention = { age = '2s', keep_for = '2s', every = '1s' }";
    let service = Service::start_in(folder, &picture_table("", pictures), |_| {});
    let line = service.wait_for_log("old pictures removed");
    assert!(line.contains("files=0") && line.contains("unfinished=1"), "{line}");
    // The sweep would remove all pictures at once, so it waits for the next look.
    let line = service.wait_for_log("they stay until the next sweep");
    assert!(line.contains("again=1s"), "{line}");
    service.wait_for_log("files=2");
    assert_eq!(service.media_names(), ["holiday.jpg"]);

    // The sweeps go on: a new picture is answered, and removed later.
    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 1}), &photo(8, 8)).await;
    assert!(page.answer().await["url"].is_string());
    assert_eq!(service.media_names().len(), 3, "not at once");
    let began = std::time::Instant::now();
    while service.media_names() != ["holiday.jpg"] {
        assert!(began.elapsed() < Duration::from_secs(30), "{:?} stay", service.media_names());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(service.stop_gracefully().success());
}

#[tokio::test]
async fn pictures_are_stored_in_folders_by_time_that_urls_do_not_show() {
    for (pictures, base) in
        [("", None), ("url = 'https://cdn.example/a'", Some("https://cdn.example/a/"))]
    {
        let service = Service::start(&picture_table("", pictures));
        let mut page = Page::open(&service).await;
        page.send(json!({"uuid": 1}), &photo(8, 8)).await;
        let answer = page.answer().await;
        let url = answer["url"].as_str().unwrap();
        let own = service.url("/upload/");
        let name = url.strip_prefix(base.unwrap_or(&own)).unwrap();
        let unique = name.strip_prefix("rb_").unwrap();
        let folder = match base {
            None => service.media().join(&unique[..5]).join(&unique[5..8]),
            // Another server finds files by their names, so they lie flat.
            Some(_) => service.media(),
        };
        assert!(folder.join(name).is_file() && folder.join(unique).is_file(), "{folder:?}");
        let result = fs::read(folder.join(name)).unwrap();
        assert_eq!(get(&format!("{own}{name}")).body, result, "media serves it from both places");
        // The place where an earlier version stored it.
        fs::rename(folder.join(name), service.media().join(name)).unwrap();
        assert_eq!(get(&format!("{own}{name}")).body, result, "{base:?}");
    }
}

#[tokio::test]
async fn a_picture_is_not_stored_if_it_would_leave_too_little_space() {
    let storage = "storage = { folder = 'media', min_free = '900000GiB' }";
    let service = Service::start(&picture_table("", storage));
    let answer = post(&service.url("/work"), photo(8, 8));
    assert_eq!((answer.status, answer.header("retry-after")), (507, "5"));
    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 1}), &photo(8, 8)).await;
    for answer in [answer.json(), page.answer().await] {
        assert_eq!((&answer["code"], &answer["retry_after_ms"]), (&json!("storage"), &json!(5000)));
        assert!(!answer.to_string().contains("media"), "no inner detail: {answer}");
    }
    assert!(service.media_names().is_empty());
    let line = service.wait_for_log("storage.min_free");
    assert!(line.contains("media: less than 900000GiB would stay free"), "{line}");
}

#[cfg(not(feature = "s3"))]
#[test]
fn a_program_without_s3_says_so() {
    let report = check("storage = { s3 = { bucket = 'abc', region = 'eu-central-1' } }").unwrap();
    assert!(report.contains("this program was built without S3"), "{report}");
    assert!(report.contains("--features s3"), "{report}");
}

#[cfg(feature = "s3")]
mod bucket;
