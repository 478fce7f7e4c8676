//! Which files a sweep removes and which it leaves, with a clock that the tests set.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, from_value, json};
use uuid::Builder;

use super::super::name::aside;
use super::*;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

/// The time in all of these tests.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// The name of the picture with this number, which arrived this many seconds ago.
fn picture(number: u8, ago: u64) -> String {
    let since = (now() - Duration::from_secs(ago)).duration_since(UNIX_EPOCH).unwrap();
    let milliseconds = u64::try_from(since.as_millis()).unwrap();
    Builder::from_unix_timestamp_millis(milliseconds, &[number; 10]).into_uuid().to_string()
}

/// Creates a file of 100 bytes that was last answered this many seconds ago, and its folder.
fn put(folder: &Path, path: &str, ago: u64) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, [0; 100]).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(now() - Duration::from_secs(ago)).unwrap();
}

/// Creates an original and its result, both this many seconds old. Every other picture lies flat,
/// as all did before there were folders by time.
fn put_picture(folder: &Path, number: u8, ago: u64) -> String {
    let name = picture(number, ago);
    for file in [format!("{name}.jpg"), format!("rb_{name}.png")] {
        put(folder, &place(&name, &file, number.is_multiple_of(2)), ago);
    }
    name
}

/// The path of a picture's file.
fn place(picture: &str, file: &str, by_time: bool) -> String {
    if by_time { format!("{}/{}/{file}", &picture[..5], &picture[5..8]) } else { file.into() }
}

/// The names of all files in a folder and in its folders by time.
fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let (path, name) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name());
        let name = name.into_string().unwrap();
        let is_by_time = name.len() <= 5 && u32::from_str_radix(&name, 16).is_ok();
        names.extend(if is_by_time { self::names(&path) } else { vec![name] });
    }
    names.sort();
    names
}

/// The number of folders by time, outer ones included.
fn folders(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).map(|path| 1 + folders(&path)).sum()
}

/// A sweep with a correct clock, after one that waited.
fn sweep(folder: &Path, retention: &Value, bounds: Bounds) -> Swept {
    sweep_at(folder, retention, bounds, Now { wall: now(), steady: now() }, true)
}

fn sweep_at(folder: &Path, retention: &Value, bounds: Bounds, now: Now, waited: bool) -> Swept {
    let retention: Option<Retention> = from_value(retention.clone()).unwrap();
    let folder = Folder::new(folder, None);
    let mut sweep = Sweep::new(&folder, &retention.unwrap_or_default(), now, waited);
    sweep.bounds = bounds;
    for _ in 0..10_000 {
        if let Some(swept) = sweep.step().unwrap() {
            return swept;
        }
    }
    panic!("the sweep comes to no end");
}

/// The files that are left, and how many were removed.
fn swept(folder: &Path, retention: &Value) -> (Vec<String>, u64) {
    let swept = sweep(folder, retention, BOUNDS);
    assert_eq!((swept.bytes, swept.failed), (swept.files * 100, 0));
    (names(folder), swept.files)
}

#[test]
fn by_default_only_half_written_files_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let old = aside(Uuid::new_v4());
    put(dir.path(), &old, HOUR + 1);
    let fresh = aside(Uuid::new_v4());
    put(dir.path(), &fresh, HOUR - 1);
    let name = put_picture(dir.path(), 2, 300 * DAY);
    put(dir.path(), &place(&name, &aside(Uuid::new_v4()), true), 300 * DAY);
    let swept = sweep(dir.path(), &Value::Null, BOUNDS);
    assert_eq!((swept.files, swept.unfinished), (0, 2));
    assert_eq!(names(dir.path()), [fresh, format!("{name}.jpg"), format!("rb_{name}.png")]);
}

#[test]
fn a_picture_older_than_the_age_is_removed_with_all_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let young = put_picture(dir.path(), 1, 2 * DAY - 1);
    put_picture(dir.path(), 2, 2 * DAY + 1);
    put_picture(dir.path(), 3, 30 * DAY);
    let left = [format!("{young}.jpg"), format!("rb_{young}.png")];
    assert_eq!(swept(dir.path(), &json!({"age": "2d"})), (left.into(), 4));
}

#[test]
fn a_picture_has_the_age_of_its_file_that_was_answered_last() {
    let dir = tempfile::tempdir().unwrap();
    for number in [1, 2] {
        let name = put_picture(dir.path(), number, 30 * DAY);
        let result = place(&name, &format!("rb_{name}.png"), number == 2);
        put(dir.path(), &result, MINUTE);
        for retention in [json!({"age": "2d"}), json!({"size": "1B"}), json!({"age": "1h"})] {
            assert_eq!(swept(dir.path(), &retention).1, 0, "{retention}");
        }
        put(dir.path(), &result, 2 * HOUR);
        assert_eq!(swept(dir.path(), &json!({"age": "1h"})), (vec![], 2));
    }
}

#[test]
fn when_the_folder_is_too_large_its_oldest_pictures_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    for (number, ago) in [(1, 5), (2, 9), (3, 7), (4, 3)] {
        put_picture(dir.path(), number, ago * HOUR);
    }
    for (size, files) in [("800B", 0), ("799B", 2), ("401B", 2), ("200B", 2), ("200B", 0)] {
        assert_eq!(swept(dir.path(), &json!({"size": size})).1, files, "{size}");
    }
    let newest = picture(4, 3 * HOUR);
    assert_eq!(names(dir.path()), [format!("{newest}.jpg"), format!("rb_{newest}.png")]);
}

#[test]
fn a_picture_answered_within_keep_for_stays_however_large_the_folder_is() {
    let dir = tempfile::tempdir().unwrap();
    put_picture(dir.path(), 1, 29 * MINUTE);
    put_picture(dir.path(), 2, 31 * MINUTE);
    assert_eq!(swept(dir.path(), &json!({"size": "1B"})).1, 0);
    assert_eq!(swept(dir.path(), &json!({"size": "1B", "keep_for": "30m"})).1, 2);
    assert_eq!(swept(dir.path(), &json!({"size": "1B", "keep_for": "30m"})).1, 0);
}

#[test]
fn files_of_others_are_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let name = picture(1, 30 * DAY);
    for strange in [".gitkeep", "holiday.jpg", ".notes.part", "rb_2.jpg"] {
        put(dir.path(), strange, 30 * DAY);
    }
    // A folder and a link with a picture's name.
    fs::create_dir(dir.path().join(format!("{name}.png"))).unwrap();
    symlink("holiday.jpg", dir.path().join(format!("{name}.jpg"))).unwrap();
    // A picture in the folders of another time, and folders that are not folders by time.
    let (outer, inner) = (&name[..5], &name[5..8]);
    for strange in ["album", "album/8e2", "0193A/8e2", "00000/000", outer] {
        put(dir.path(), &format!("{strange}/{name}.jpg"), 30 * DAY);
    }
    put(dir.path(), &format!("{outer}/{inner}/holiday.jpg"), 30 * DAY);
    fs::create_dir(dir.path().join("empty")).unwrap();
    fs::create_dir(dir.path().join(outer).join("empty")).unwrap();
    // A folder by time that is a link to another place.
    let elsewhere = tempfile::tempdir().unwrap();
    let far = picture(2, 300 * DAY);
    put(elsewhere.path(), &format!("{}/{far}.jpg", &far[5..8]), 300 * DAY);
    symlink(elsewhere.path(), dir.path().join(&far[..5])).unwrap();
    let before = names(dir.path());
    assert_eq!(swept(dir.path(), &json!({"age": "1h", "size": "1B"})), (before, 0));
}

#[test]
fn a_folder_by_time_is_removed_with_the_last_of_its_pictures() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..20 {
        put_picture(dir.path(), 2 * number, 30 * DAY - u64::from(number) * 20);
    }
    let stays = put_picture(dir.path(), 100, DAY);
    let holiday = place(&picture(0, 30 * DAY), "holiday.jpg", true);
    put(dir.path(), &holiday, 30 * DAY);
    assert!(folders(dir.path()) > 8, "one folder for each minute");
    let bounds = Bounds { names: 3, removals: 2, pictures: 4 };
    assert_eq!(sweep(dir.path(), &json!({"age": "2d"}), bounds).files, 40);
    assert_eq!(names(dir.path()).len(), 3);
    assert_eq!(folders(dir.path()), 4, "the last picture's folder, and a folder that is not ours");
    fs::remove_file(dir.path().join(holiday)).unwrap();
    sweep(dir.path(), &json!({"age": "2d"}), bounds);
    assert_eq!((folders(dir.path()), names(dir.path()).len()), (2, 2), "{stays} stays");
}

#[test]
fn an_empty_folder_by_time_is_removed_an_hour_after_its_time() {
    let dir = tempfile::tempdir().unwrap();
    for (ago, stays) in [(HOUR - 1, true), (HOUR + 67, false), (30 * DAY, false)] {
        let name = picture(1, ago);
        let (outer, inner) = (dir.path().join(&name[..5]), &name[5..8]);
        fs::create_dir_all(outer.join(inner)).unwrap();
        assert_eq!(sweep(dir.path(), &Value::Null, BOUNDS), Swept::default());
        assert_eq!((outer.join(inner).exists(), outer.exists()), (stays, stays), "{ago}");
        let _ = fs::remove_dir_all(&outer);
        // Folders that a crash between two system calls left.
        fs::create_dir(&outer).unwrap();
        sweep(dir.path(), &Value::Null, BOUNDS);
        assert_eq!(outer.exists(), ago < 30 * DAY, "{ago}");
        let _ = fs::remove_dir(outer);
    }
}

#[test]
fn pictures_of_1970_and_of_the_far_future_have_the_age_of_their_last_answer() {
    let dir = tempfile::tempdir().unwrap();
    for (name, ago, files) in [
        ("00000000-0000-7000-8000-000000000001", MINUTE, 0),
        ("00000000-0000-7000-8000-000000000001", 30 * DAY, 1),
        ("ffffffff-ffff-7fff-bfff-ffffffffffff", MINUTE, 0),
        // A picture cannot be answered before it arrives: the clock was wrong, then or now.
        ("ffffffff-ffff-7fff-bfff-ffffffffffff", 30 * DAY, 0),
    ] {
        for by_time in [true, false] {
            put(dir.path(), &place(name, &format!("{name}.jpg"), by_time), ago);
            let swept = sweep(dir.path(), &json!({"age": "2d"}), BOUNDS);
            assert_eq!((swept.files, swept.failed), (files, 0), "{name}, {ago}, {by_time}");
            for left in fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()) {
                fs::remove_dir_all(&left).or_else(|_| fs::remove_file(left)).unwrap();
            }
        }
    }
}

#[test]
fn a_folder_that_is_not_there_has_nothing_to_sweep() {
    let nowhere = Path::new("/nonexistent/media");
    assert_eq!(sweep(nowhere, &json!({"age": "1h"}), BOUNDS), Swept::default());
    let file = tempfile::NamedTempFile::new().unwrap();
    let now = Now { wall: now(), steady: now() };
    let folder = Folder::new(file.path(), None);
    let mut sweep = Sweep::new(&folder, &Retention::default(), now, false);
    assert!(sweep.step().is_err(), "a file in place of the folder is an error");
}

#[test]
fn a_wall_clock_that_is_set_years_ahead_or_back_removes_nothing() {
    const YEARS: u64 = 20 * 365 * DAY;
    let (ahead, back) = (now() + Duration::from_secs(YEARS), now() - Duration::from_secs(YEARS));
    for wall in [ahead, back] {
        let dir = tempfile::tempdir().unwrap();
        put_picture(dir.path(), 1, HOUR);
        put_picture(dir.path(), 2, 3 * HOUR);
        put_picture(dir.path(), 3, 3 * DAY);
        let now = Now { wall, steady: now() };
        for (retention, files) in [
            (json!({"age": "4d"}), 0),
            (json!({"size": "1B", "keep_for": "4d"}), 0),
            (json!({"age": "2d"}), 2),
        ] {
            let swept = sweep_at(dir.path(), &retention, BOUNDS, now, true);
            assert_eq!(swept.files, files, "{wall:?} {retention}");
        }
        assert_eq!(names(dir.path()).len(), 4);
    }
}

#[test]
fn a_sweep_that_would_remove_more_than_half_waits_once() {
    // Ten pictures of two files each, one every hour.
    for (retention, would_go) in [
        (json!({"age": "5h", "keep_for": "1h"}), 5),
        (json!({"age": "4h", "keep_for": "1h"}), 6),
        (json!({"size": "1000B"}), 5),
        (json!({"size": "999B"}), 6),
        (json!({"age": "9h", "size": "999B"}), 6),
        (json!({"age": "1h"}), 9),
        (json!({"size": "1B"}), 9),
    ] {
        for pictures in [1, 3, 100] {
            let dir = tempfile::tempdir().unwrap();
            for number in 0..10 {
                put_picture(dir.path(), number, u64::from(number) * HOUR + MINUTE);
            }
            let bounds = Bounds { names: 7, removals: 2, pictures };
            let now = Now { wall: now(), steady: now() };
            let first = sweep_at(dir.path(), &retention, bounds, now, false);
            let expected = if would_go > 5 { (0, true) } else { (2 * would_go, false) };
            assert_eq!((first.files, first.waits), expected, "{retention}, {pictures}");
            let second = sweep_at(dir.path(), &retention, bounds, now, first.waits);
            let all = first.files + second.files;
            assert_eq!((all, second.waits), (2 * would_go, false), "{retention}, {pictures}");
        }
    }
}

#[test]
fn a_folder_larger_than_memory_is_swept_in_passes() {
    for (retention, left) in [
        (json!({"age": "2d"}), 24 + 2),
        (json!({"size": "1000B"}), 10),
        (json!({"age": "2d", "size": "3000B"}), 24 + 2),
        (json!({"age": "2d", "size": "2000B"}), 20),
    ] {
        for pictures in [1, 4, 5, 60] {
            let dir = tempfile::tempdir().unwrap();
            for number in 0..60 {
                put_picture(dir.path(), number, u64::from(number) * 4 * HOUR + HOUR);
            }
            // One of the oldest pictures was answered recently, and stays.
            let kept = picture(57, 57 * 4 * HOUR + HOUR);
            put(dir.path(), &format!("rb_{kept}.png"), MINUTE);
            let swept = sweep(dir.path(), &retention, Bounds { names: 7, removals: 2, pictures });
            let names = names(dir.path());
            assert!(names.contains(&format!("{kept}.jpg")), "{retention}, {pictures}");
            let expected = (left, 120 - left as u64);
            assert_eq!((names.len(), swept.files), expected, "{retention}, {pictures}");
        }
    }
}

#[test]
fn a_retention_that_contradicts_itself_is_a_mistake() {
    for (retention, message) in [
        (json!({"age": "30m"}), "an age of 30m is less than the 1h of keep_for"),
        (json!({"keep_for": "0s"}), "0s is too short for keep_for"),
        (json!({"every": "10ms"}), "10ms is too short for every"),
        (json!({"ages": "1d"}), "unknown field"),
        (json!({"keep_for": "2h"}), "this retention removes nothing"),
    ] {
        let error = from_value::<Retention>(retention).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    assert!(from_value::<Retention>(json!({"age": "30m", "keep_for": "30m"})).is_ok());
}
