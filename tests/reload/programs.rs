//! Programs that are edited while the service runs, and modules that they import.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{REFUSED, RELOADED, count, wait};
use crate::util::{Client, PATIENCE, Service, waterway};

/// A program that answers each text with this word, or with what its module says. It takes `start` to
/// become ready. A text is the name of a file that must be there before the answer.
fn program(word: &str, start: Duration) -> String {
    let start = start.as_secs_f64();
    format!(
        "import json, os, sys, threading, time\n\
         def say():\n    \
             return {word}\n\
         say()\n\
         def answer(event):\n    \
             while not os.path.exists(event['text']):\n        time.sleep(0.01)\n    \
             actions = [{{'send': {{'text': say()}}}}]\n    \
             print(json.dumps({{'id': event['id'], 'actions': actions}}), flush=True)\n\
         time.sleep({start})\n\
         print(json.dumps({{'ready': True}}), flush=True)\n\
         for line in sys.stdin:\n    \
             event = json.loads(line)\n    \
             if 'text' in event:\n        \
                 threading.Thread(target=answer, args=(event,), daemon=True).start()\n    \
             elif 'cancel' not in event:\n        \
                 print(json.dumps({{'id': event['id']}}), flush=True)\n"
    )
}

/// A program that is there at once.
fn says(word: &str) -> String {
    program(&format!("'{word}'"), Duration::ZERO)
}

/// A service whose program is `say.py`; these are more options of its consumer.
fn start(program: &str, more: &str, files: &[(&str, &str)]) -> Service {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files.iter().chain([&("say.py", program)]) {
        fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        fs::write(folder.path().join(name), text).unwrap();
    }
    let table = format!(
        "[server]\nlisten = '127.0.0.1:0'\nretire = '3s'\n[consumer.say]\n\
         exec = ['python3', '-u', 'say.py']\n{more}\n\
         [[route]]\nchannel = 'websocket.receive'\npath = '/'\nconsumer = 'say'\n"
    );
    Service::start_in(folder, &table, |_| {})
}

fn save(service: &Service, file: &str, text: &str) {
    fs::write(service.folder().join(file), text).unwrap();
}

async fn ask(client: &mut Client) -> String {
    client.send_text("say.py").await;
    client.text().await
}

/// Asks until the answer is this one; returns how long it took. Until then it must be `former`.
async fn becomes(client: &mut Client, former: &str, word: &str) -> Duration {
    let begun = Instant::now();
    loop {
        let said = ask(client).await;
        if said == word {
            return begun.elapsed();
        }
        assert_eq!(said, former);
        assert!(begun.elapsed() < PATIENCE, "it stays {former}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A program with `reload = "watch"` is watched although the table is not.
#[tokio::test]
async fn an_edited_program_answers_anew_and_a_broken_one_changes_nothing() {
    let service = start(&says("0"), "reload = 'watch'", &[]);
    let mut client = Client::connect(&service.ws("/")).await;
    assert_eq!(ask(&mut client).await, "0");
    let mut times = Vec::new();
    // A busy machine may be slow once.
    while times.iter().all(|time| *time >= Duration::from_secs(1)) && times.len() < 5 {
        let [former, word] = [times.len(), times.len() + 1].map(|word| word.to_string());
        save(&service, "say.py", &says(&word));
        times.push(becomes(&mut client, &former, &word).await);
    }
    assert!(times.iter().any(|time| *time < Duration::from_secs(1)), "{times:?}");
    let last = times.len().to_string();
    save(&service, "say.py", "no python [");
    service.wait_for_log(REFUSED);
    assert_eq!(ask(&mut client).await, last);
    save(&service, "say.py", &says("mended"));
    becomes(&mut client, &last, "mended").await;
}

#[tokio::test]
async fn a_new_program_is_ready_first_and_begun_events_end_on_the_old_one() {
    let service = start(&says("old"), "reload = 'watch'", &[]);
    let mut client = Client::connect(&service.ws("/")).await;
    let mut waiting = Client::connect(&service.ws("/")).await;
    waiting.send_text("gate").await;
    assert_eq!(ask(&mut client).await, "old");
    let start = Duration::from_secs(2);
    save(&service, "say.py", &program("'new'", start));
    // Each of its answers meanwhile is the old one's.
    assert!(becomes(&mut client, "old", "new").await >= start);
    save(&service, "gate", "");
    assert_eq!(waiting.text().await, "old");
    assert_eq!(ask(&mut waiting).await, "new");
}

#[tokio::test]
async fn children_of_lines_stay_at_most_retire_then_close_1012() {
    let script = |word: &str| format!("while read -r line; do echo \"{word} $line\"; done\n");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("say.sh"), script("old")).unwrap();
    let table = "[server]\nlisten = '127.0.0.1:0'\nretire = '3s'\n[consumer.say]\n\
                 exec = ['sh', 'say.sh']\nmode = 'lines'\nreload = 'watch'\n\
                 [[route]]\nchannel = 'websocket.*'\npath = '/'\nconsumer = 'say'\n";
    let service = Service::start_in(folder, table, |_| {});
    let says = async |client: &mut Client, text: &str| {
        client.send_text(text).await;
        client.text().await
    };
    let mut old = Client::connect(&service.ws("/")).await;
    assert_eq!(says(&mut old, "a").await, "old a");
    save(&service, "say.sh", &script("new"));
    service.wait_for_log(RELOADED);
    assert_eq!(says(&mut old, "b").await, "old b");
    let mut new = Client::connect(&service.ws("/")).await;
    assert_eq!(says(&mut new, "c").await, "new c");
    assert_eq!(old.closed().await.0, 1012);
    assert_eq!(says(&mut new, "d").await, "new d");
}

/// A program with `reach = "own"` may act on the clients whose events it has seen.
#[tokio::test]
async fn open_connections_are_within_reach_of_a_changed_program() {
    let reaching = |word: &str| {
        let answer = "print(json.dumps({'id': event['id'], 'actions': actions}), flush=True)";
        let named = "print(json.dumps({'client': event['client'], 'actions': actions}))\n    \
                     print(json.dumps({'id': event['id'], 'actions': []}), flush=True)";
        says(word).replace(answer, named)
    };
    let service = start(&reaching("old"), "reload = 'watch'\nreach = 'own'", &[]);
    let mut client = Client::connect(&service.ws("/")).await;
    assert_eq!(ask(&mut client).await, "old");
    save(&service, "say.py", &reaching("new"));
    becomes(&mut client, "old", "new").await;
}

#[tokio::test]
async fn files_that_match_the_patterns_of_reload_are_watched() {
    let word = "__import__('words').WORD + __import__('lib.more', fromlist=['']).WORD";
    let program = program(word, Duration::ZERO);
    let files = [("words.py", "WORD = 'one'"), ("lib/more.py", "WORD = '!'")];
    let service = start(&program, "reload = ['*.py', 'lib/*.py']", &files);
    let mut client = Client::connect(&service.ws("/")).await;
    assert_eq!(ask(&mut client).await, "one!");
    save(&service, "words.py", "WORD = 'three'");
    becomes(&mut client, "one!", "three!").await;
    save(&service, "lib/more.py", "WORD = '??'");
    becomes(&mut client, "three!", "three??").await;
    save(&service, "say.py", &program.replace("return ", "return '>' + "));
    becomes(&mut client, "three??", ">three??").await;
    // A file that is new, and one that is gone.
    let reloads = || count(&service, RELOADED);
    assert_eq!(reloads(), 3, "{}", service.log());
    save(&service, "lib/new.py", "");
    wait("the new file", || reloads() == 4);
    fs::remove_file(service.folder().join("lib/new.py")).unwrap();
    wait("the file that is gone", || reloads() == 5);
    // These do not match.
    save(&service, "notes.txt", "");
    save(&service, "lib/deep.txt", "");
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(reloads(), 5, "{}", service.log());
    assert_eq!(ask(&mut client).await, ">three??");
}

#[test]
fn patterns_that_cannot_be_watched_are_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("many")).unwrap();
    for number in 0..300 {
        fs::write(folder.path().join(format!("many/{number}.py")), "").unwrap();
    }
    let checked = |reload: &str| {
        let table = format!(
            "[consumer.say]\nexec = ['python3', 'say.py']\nreload = {reload}\n\
             [[route]]\nchannel = 'websocket.receive'\nconsumer = 'say'\n"
        );
        let written = fs::write(folder.path().join("routing.toml"), table);
        written.unwrap();
        let output = waterway(Path::new(folder.path()), &["check"]);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for reload in ["'off'", "'watch'", "['*.py']", "['many/1*.py', '../other/[ab].py']"] {
        let (is_sound, said) = checked(reload);
        assert!(is_sound, "{reload}: {said}");
    }
    for (reload, mistake) in [
        ("'*.py'", "3:10: patterns are a list\n"),
        ("'wach'", "3:10: unknown choice \"wach\"\n"),
        ("true", "3:10: expected \"off\", \"watch\", or a list of patterns such as [\"*.py\"]"),
        ("[]", "3:10: 0 patterns\n"),
        ("['']", "3:11: an empty pattern matches no file\n"),
        ("['**/*.py']", "3:11: \"**/*.py\" would search every folder below\n"),
        ("['a[']", "3:11: \"a[\" is not a pattern: invalid range pattern\n"),
        ("['many/*']", "3:10: more than 256 files match\n"),
    ] {
        let (is_sound, said) = checked(reload);
        assert!(!is_sound && said.contains(mistake), "{reload}: {said}");
    }
}
