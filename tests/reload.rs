//! A table that is read again while the service runs: each way to save it, each way to ask for a
//! reload, and tables that cannot be served and so change nothing.

mod connections;
mod programs;

use std::fs::{self, rename};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::util::{Client, PATIENCE, Service, flat, get};

/// A table that serves these paths, and is read again when it is saved.
fn table(paths: &[&str]) -> String {
    watched(&paths.iter().map(|path| page(path)).collect::<String>())
}

fn watched(routes: &str) -> String {
    format!("[server]\nlisten = '127.0.0.1:0'\nreload = 'watch'\n{routes}")
}

fn page(path: &str) -> String {
    format!("[[route]]\nchannel = 'http.request'\npath = '{path}'\nconsumer = 'page'\n")
}

fn echo(path: &str, more: &str) -> String {
    format!("[[route]]\nchannel = 'websocket.*'\npath = '{path}'\nconsumer = 'echo'\n{more}\n")
}

/// A client that has read the greeting of `echo`.
async fn greeted(url: &str) -> Client {
    let mut client = Client::connect(url).await;
    assert_eq!(client.text().await, "connected!");
    client
}

fn save(service: &Service, table: &str) {
    fs::write(service.folder().join("routing.toml"), table).unwrap();
}

fn status(service: &Service, path: &str) -> u16 {
    get(&service.url(path)).status
}

fn count(service: &Service, text: &str) -> usize {
    service.log().lines().filter(|line| line.contains(text)).count()
}

/// Waits until this is so; returns how long it took.
fn wait(what: &str, is_so: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        thread::sleep(Duration::from_millis(5));
    }
    begun.elapsed()
}

const RELOADED: &str = "table reloaded";
const REFUSED: &str = "table not reloaded: the former one is still served";

#[test]
fn a_saved_table_is_served_within_a_second() {
    let service = Service::start(&table(&["/0"]));
    assert_eq!(status(&service, "/0"), 200);
    let mut times = Vec::new();
    // A busy machine may be slow once.
    while times.iter().all(|time| *time >= Duration::from_secs(1)) && times.len() < 5 {
        let (former, new) = (format!("/{}", times.len()), format!("/{}", times.len() + 1));
        save(&service, &table(&[&new]));
        times.push(wait("the former path is gone", || status(&service, &former) == 404));
        assert_eq!(status(&service, &new), 200);
    }
    assert!(times.iter().any(|time| *time < Duration::from_secs(1)), "{times:?}");
    let line = service.wait_for_log(RELOADED);
    let told = "routes=\"new: http.request /1; removed: http.request /0\"";
    assert!(line.contains("trigger=watch") && line.contains(told), "{line}");
}

/// A way to save a table in a folder.
type Way = (&'static str, fn(&Path, &str));

const WAYS: [Way; 7] = [
    ("in place", |folder, text| fs::write(folder.join("routing.toml"), text).unwrap()),
    ("a file that replaces the former one", |folder, text| {
        fs::write(folder.join(".routing.toml.swp"), "not a table [").unwrap();
        fs::write(folder.join("new"), text).unwrap();
        rename(folder.join("new"), folder.join("routing.toml")).unwrap();
    }),
    ("a backup, and a new file", |folder, text| {
        rename(folder.join("routing.toml"), folder.join("routing.toml~")).unwrap();
        thread::sleep(Duration::from_millis(50));
        fs::write(folder.join("routing.toml"), text).unwrap();
    }),
    ("emptied first, and written in parts", |folder, text| {
        fs::write(folder.join("routing.toml"), "").unwrap();
        fs::write(folder.join("routing.toml"), &text[..text.len() / 2]).unwrap();
        fs::write(folder.join("routing.toml"), text).unwrap();
    }),
    ("twice within a millisecond", |folder, text| {
        // Of the same length, so that neither the length nor perhaps the time differs.
        fs::write(folder.join("routing.toml"), text.replace('/', "+")).unwrap();
        fs::write(folder.join("routing.toml"), text).unwrap();
    }),
    ("a symbolic link that is swapped", |folder, text| {
        fs::write(folder.join("other.toml"), text).unwrap();
        symlink("other.toml", folder.join("link")).unwrap();
        rename(folder.join("link"), folder.join("routing.toml")).unwrap();
    }),
    ("a folder that is swapped, as Kubernetes does it", |folder, text| {
        let swap = |version: &str, text: &str| {
            fs::create_dir(folder.join(version)).unwrap();
            fs::write(folder.join(version).join("routing.toml"), text).unwrap();
            symlink(version, folder.join("..data_tmp")).unwrap();
            rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        };
        let before = fs::read_to_string(folder.join("routing.toml")).unwrap();
        swap("..1", &before);
        symlink("..data/routing.toml", folder.join("link")).unwrap();
        rename(folder.join("link"), folder.join("routing.toml")).unwrap();
        swap("..2", text);
    }),
];

#[test]
fn however_a_table_is_saved_it_is_one_reload() {
    let service = Service::start(&table(&["/0"]));
    for (number, (way, save)) in (1..).zip(WAYS) {
        let path = format!("/{number}");
        save(service.folder(), &table(&[&path]));
        wait(way, || status(&service, &path) == 200);
        wait(way, || count(&service, RELOADED) >= number);
        assert_eq!(count(&service, RELOADED), number, "{way}: {}", service.log());
    }
    // Saving it once more changes nothing, and neither do an editor's own files.
    let text = fs::read_to_string(service.folder().join("routing.toml")).unwrap();
    fs::write(service.folder().join("..2/routing.toml"), &text).unwrap();
    fs::write(service.folder().join("4913"), "").unwrap();
    thread::sleep(Duration::from_millis(800));
    assert_eq!(count(&service, RELOADED), WAYS.len());
    assert_eq!(count(&service, REFUSED), 0, "{}", service.log());
}

#[test]
fn bursts_of_saves_become_few_reloads() {
    const SAVES: usize = 40;
    let service = Service::start(&table(&["/0"]));
    let begun = Instant::now();
    for number in 1..=SAVES {
        save(&service, &table(&[&format!("/{number}")]));
        thread::sleep(Duration::from_millis(10));
    }
    let last = format!("/{SAVES}");
    wait("the last one is served", || status(&service, &last) == 200);
    // The files are looked at every 250 ms.
    let most = 2 + begun.elapsed().as_millis() / 250;
    assert!(count(&service, RELOADED) as u128 <= most, "{}", service.log());
}

#[test]
fn included_files_are_watched_and_new_ones_are_found() {
    let service = Service::start(&format!("include = ['routes.d/*.toml']\n{}", table(&["/0"])));
    let folder = service.folder().join("routes.d");
    let is = |path: &str, expected: u16| wait(path, || status(&service, path) == expected);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.toml"), page("/a")).unwrap();
    is("/a", 200);
    fs::write(folder.join("a.toml"), page("/b")).unwrap();
    is("/b", 200);
    assert_eq!((status(&service, "/a"), status(&service, "/0")), (404, 200));
    // A mistake in one file leaves all as it was, until it is mended there.
    fs::write(folder.join("c.toml"), "[[route]").unwrap();
    service.wait_for_log(REFUSED);
    fs::write(folder.join("a.toml"), page("/d")).unwrap();
    thread::sleep(Duration::from_millis(800));
    assert_eq!((status(&service, "/b"), status(&service, "/d")), (200, 404));
    fs::remove_file(folder.join("c.toml")).unwrap();
    is("/d", 200);
    fs::remove_file(folder.join("a.toml")).unwrap();
    is("/d", 404);
}

#[test]
fn a_failed_reload_changes_nothing_and_shows_in_the_log_once() {
    let sound = table(&["/0"]);
    let service = Service::start(&sound);
    let pictures = "[consumer.p]\nuse = 'image.work'\nfolder = 'routing.toml/media'\n\
                    [[route]]\nchannel = 'http.request'\npath = '/p'\nconsumer = 'p'\n";
    let unknown = watched(&page("/1").replace("'page'", "'pages'"));
    let unset = watched(&page("/${NOT_SET}"));
    let no_state = watched(&(page("/1") + pictures));
    let program = |exec: &str| {
        let consumer = format!("[consumer.p]\nexec = {exec}\nstart = '1s'\n");
        let route = "[[route]]\nchannel = 'http.request'\npath = '/p'\nconsumer = 'p'\n";
        watched(&(page("/1") + &consumer + route))
    };
    let (missing, ended) = (program("['./missing']"), program("['false']"));
    let no_token = watched(&page("/1").replace("path", "auth = 'gone'\npath"));
    for (number, (bad, told)) in (1..).zip([
        (Some(&b"[[route]]\nchannel = 'http.req"[..]), "routing.toml:2:"),
        (Some(b""), "there are no routes"),
        (None, "there is no file routing.toml"),
        (Some(b"\xff"), "the file is not UTF-8 at byte 0"),
        (Some(unknown.as_bytes()), "unknown consumer \"pages\""),
        (Some(unset.as_bytes()), "NOT_SET is not set in the environment"),
        (Some(no_state.as_bytes()), "routing.toml/media"),
        (Some(missing.as_bytes()), "./missing"),
        (Some(ended.as_bytes()), "the consumer p cannot start"),
        (Some(no_token.as_bytes()), "unknown auth \"gone\""),
    ]) {
        let file = service.folder().join("routing.toml");
        match bad {
            Some(bad) => fs::write(&file, bad).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        wait(told, || count(&service, REFUSED) == number);
        wait(told, || count(&service, told) > 0);
        assert_eq!(status(&service, "/0"), 200, "{told}");
        // In one step, so that no empty file is seen in between.
        let whole = service.folder().join("whole.toml");
        fs::write(&whole, &sound).unwrap();
        rename(&whole, &file).unwrap();
        thread::sleep(Duration::from_millis(800));
        assert_eq!(count(&service, REFUSED), number, "{told}: {}", service.log());
    }
    // It is not too late to mend it.
    save(&service, &table(&["/mended"]));
    wait("the next table", || status(&service, "/mended") == 200);
    // The log is written after the table has been replaced.
    service.wait_for_log(RELOADED);
    assert_eq!(count(&service, RELOADED), 1, "{}", service.log());
}

/// The file becomes a folder, because an administrator may read every file.
#[test]
fn a_table_that_is_made_unreadable_changes_nothing() {
    let service = Service::start(&table(&["/0"]));
    let file = service.folder().join("routing.toml");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    service.wait_for_log(REFUSED);
    assert_eq!(status(&service, "/0"), 200);
    fs::remove_dir(&file).unwrap();
    save(&service, &table(&["/1"]));
    wait("the next table", || status(&service, "/1") == 200);
    assert_eq!(count(&service, REFUSED), 1, "{}", service.log());
}

#[test]
fn sighup_and_the_option_watch_reload_a_table_that_does_not_ask_for_it() {
    let plain = |path: &str| table(&[path]).replace("reload = 'watch'\n", "");
    let service = Service::start(&plain("/0"));
    save(&service, &plain("/1"));
    thread::sleep(Duration::from_millis(800));
    assert_eq!(status(&service, "/1"), 404);
    service.signal(Signal::HUP);
    assert!(service.wait_for_log(RELOADED).contains("trigger=SIGHUP"));
    assert_eq!(status(&service, "/1"), 200);
    // The log answers a signal even if nothing has changed.
    service.signal(Signal::HUP);
    service.wait_for_log("table read again: nothing has changed");

    let service = Service::start_with(&plain("/0"), |command| {
        command.arg("--watch");
    });
    save(&service, &plain("/1"));
    wait("the option is enough", || status(&service, "/1") == 200);
}

#[test]
fn what_cannot_change_while_running_is_named_and_left() {
    let service = Service::start(&table(&["/0"]));
    let text = table(&["/1"]).replace("127.0.0.1:0'", "127.0.0.1:1'\nthreads = 30");
    save(&service, &text);
    let line = service.wait_for_log("take effect only when the service starts again");
    assert!(line.contains("server.listen") && line.contains("server.threads"), "{line}");
    assert_eq!(status(&service, "/1"), 200, "the rest is served where the service listens");
    assert!(service.threads("sockets") < 30);
}

/// The picture's watermark is a file of the consumer `image.work`.
#[test]
fn the_files_of_a_consumer_are_watched() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("media")).unwrap();
    let mark =
        |service: &Path, side| fs::write(service.join("mark.png"), flat(side, side)).unwrap();
    mark(folder.path(), 8);
    let pictures = "[consumer.p]\nuse = 'image.work'\n[consumer.p.results]\n\
                    rl = [{ watermark = { file = 'mark.png' } }]\n\
                    [[route]]\nchannel = 'http.request'\nmethod = 'POST'\npath = '/p'\nconsumer = 'p'\n";
    let service = Service::start_in(folder, &watched(pictures), |_| {});
    mark(service.folder(), 4);
    let line = service.wait_for_log(RELOADED);
    assert!(line.contains("consumers=\"changed: p\""), "{line}");
    fs::write(service.folder().join("mark.png"), "not a picture").unwrap();
    service.wait_for_log(REFUSED);
    mark(service.folder(), 6);
    wait("the mended file", || count(&service, RELOADED) == 2);
}
