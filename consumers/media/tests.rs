//! Which files of a folder are served, and how.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let media = dir.path().join("media");
    fs::create_dir_all(media.join("deep")).unwrap();
    fs::write(dir.path().join("secret"), "secret").unwrap();
    fs::write(media.join("rb_a.jpg"), b"\xff\xd8\xff\xe0 a picture").unwrap();
    fs::write(media.join("a.jpg"), b"\xff\xd8\xff\xe0 as it came").unwrap();
    fs::write(media.join("deep/page.jpg"), "<script>alert(1)</script>").unwrap();
    fs::write(media.join(".rb_half"), "half written").unwrap();
    symlink("../secret", media.join("rb_link")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        media.join("rb_pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    dir
}

fn options(dir: &tempfile::TempDir, prefix: &str) -> Media {
    Media {
        storage: Storage::folder(dir.path().join("media")),
        prefix: prefix.into(),
        ..Media::default()
    }
}

/// The file that a request for this name finds.
fn found(options: &Media, name: &str) -> io::Result<Found> {
    let Storage::Folder(folder) = &options.storage else { panic!("a folder") };
    if is_served(options, name) { find(folder, name) } else { Err(io::ErrorKind::NotFound.into()) }
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let dir = folder();
    for name in [
        "../secret",
        "deep/../../secret",
        "/etc/passwd",
        "..",
        ".",
        "",
        "rb_link",
        "rb_pipe",
        ".rb_half",
        "deep",
        "deep\\page.jpg",
        "nothing",
        "a\0b",
    ] {
        assert!(found(&options(&dir, ""), name).is_err(), "{name:?}");
    }
    for name in ["a.jpg", "rb_a.jpg", "deep/page.jpg"] {
        assert!(found(&options(&dir, ""), name).is_ok(), "{name:?}");
    }
}

#[test]
fn a_picture_is_found_in_its_folder_by_time_and_in_the_flat_folder() {
    let dir = folder();
    let media = dir.path().join("media");
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let name = |at: u8| format!("rb_0193a8e{at}-2f11-7000-8000-000000000001.jpg");
    fs::create_dir_all(media.join("0193a/8e1")).unwrap();
    fs::write(media.join("0193a/8e1").join(name(1)), "by time").unwrap();
    fs::write(media.join(name(1)), "flat").unwrap();
    fs::write(media.join(name(2)), "flat").unwrap();
    // A file in the place of a folder by time, and a folder elsewhere.
    fs::write(media.join("0193a/8e3"), "no folder").unwrap();
    fs::write(media.join(name(3)), "flat").unwrap();
    fs::write(outside.join(name(4)), "secret").unwrap();
    symlink(&outside, media.join("0193a/8e4")).unwrap();
    for (at, expected) in [(1, Some("by time")), (2, Some("flat")), (3, Some("flat")), (4, None)] {
        let options = options(&dir, "rb_");
        let text = found(&options, &name(at)).ok().map(|found| io::read_to_string(found.file));
        assert_eq!(text.transpose().unwrap().as_deref(), expected, "{at}");
        let original = name(at).replace("rb_", "");
        assert!(found(&options, &original).is_err(), "the prefix applies to a name");
        let path = format!("0193a/8e{at}/{}", name(at));
        assert!(found(&options, &path).is_err(), "{path}: and to a path");
    }
}

#[test]
fn a_prefix_hides_the_other_files() {
    let dir = folder();
    assert!(found(&options(&dir, "rb_"), "rb_a.jpg").is_ok());
    assert!(found(&options(&dir, "rb_"), "a.jpg").is_err());
}

#[test]
fn a_file_is_what_its_first_bytes_show() {
    let dir = folder();
    let options = options(&dir, "");
    for (name, kind, download) in
        [("rb_a.jpg", "image/jpeg", false), ("deep/page.jpg", "application/octet-stream", true)]
    {
        let reply = from_file(found(&options, name).unwrap(), &Scope::default(), &options);
        assert_eq!(reply.headers()[header::CONTENT_TYPE], kind, "{name}");
        assert_eq!(reply.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(reply.headers().contains_key(header::CONTENT_DISPOSITION), download, "{name}");
    }
}

#[test]
fn an_answer_that_needed_a_token_is_not_for_shared_caches() {
    let dir = folder();
    let options = options(&dir, "");
    for (claims, whose) in [(None, "public"), (Some(Arc::default()), "private")] {
        let scope = Scope { claims, ..Scope::default() };
        let reply = from_file(found(&options, "a.jpg").unwrap(), &scope, &options);
        let cache = reply.headers()[header::CACHE_CONTROL].to_str().unwrap();
        assert!(cache.starts_with(whose), "{cache}");
    }
}
