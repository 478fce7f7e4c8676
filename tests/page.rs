//! The demonstration page in a browser, with the service that ships.

use std::fs;

use serde_json::{Value, json};

use crate::util::{Browser, Screen, Service, photo, root, waterway};

/// Records the texts that a page's sockets send and receive as `wire`, and adds functions with
/// which the tests query the page.
const KEEP_THE_WIRE: &str = "
    window.wire = [];
    window.WebSocket = class extends WebSocket {
      constructor(...all) {
        super(...all);
        this.addEventListener('message', ({ data }) => wire.push({ received: JSON.parse(data) }));
        this.addEventListener('close', ({ code }) => wire.push({ closed: code }));
      }
      // As pages that were written for the Tornado program do.
      set onmessage(take) {
        super.onmessage = ({ data }) => take({ data: JSON.parse(data).text ?? data });
      }
      send(message) {
        if (typeof message === 'string') wire.push({ sent: JSON.parse(message) });
        super.send(message);
      }
    };
    window.all = (selector) => [...document.querySelectorAll(selector)];
    window.state = (selector) => document.querySelector(selector)?.dataset.state;
    window.count = (name) => Number(document.querySelector('#count-' + name).textContent);";

/// The number of pictures on a long page when no other number is chosen.
const LONG: u64 = 120;

/// The page's own pictures that can be sent one by one.
const THUMBS: u64 = 14;

#[test]
fn a_long_page_is_done_to_its_last_picture() {
    let reader = Reader::start(Screen::DESKTOP, 0);
    reader.browser.screenshot("page-desktop-opening");
    reader.choose("zoom", "0.25");
    reader.browser.click("#samples");
    reader.browser.wait("count('done') >= 8");
    reader.browser.screenshot("page-desktop-at-work");
    reader.wait_for_all();
    reader.wait_for_counts([LONG, 0, 0, 0]);

    // The browser fetches results that are far away only when they come near, unless a script asks.
    reader.browser.run("for (const image of all('.result > img')) image.loading = 'eager';");
    reader
        .browser
        .wait("all('.tile[data-state=done] .result > img.shown:not(.before)').length === 120");
    let empty =
        reader.browser.run("return all('.result > img').filter((it) => !it.naturalWidth).length");
    assert_eq!(empty, 0, "each result is a picture");
    reader.browser.screenshot("page-desktop-done");
    assert_eq!(reader.browser.complaints(), [""; 0]);
}

#[test]
fn after_a_jump_on_the_page_the_visible_pictures_are_done_first() {
    let reader = Reader::start(Screen::DESKTOP, 1);
    // The largest zoom, so that most pictures still wait when the reader acts.
    reader.choose("zoom", "1.5");
    reader.browser.click("#samples");
    // From here on the service alone decides the order.
    reader.browser.wait("all('.tile[data-state=grey]').length === 0 && count('done') >= 2");
    let in_view = reader.browser.run(
        "scrollTo({ top: document.body.scrollHeight * 0.7, behavior: 'instant' });
         window.jumped = wire.length;
         window.inView = all('.tile').filter((tile) => {
           const box = tile.getBoundingClientRect();
           return box.bottom > 0 && box.top < innerHeight;
         });
         return inView.map((tile) => tile.dataset.uuid);",
    );
    let in_view = in_view.as_array().expect("a list").clone();
    assert!(in_view.len() >= 15, "a screen shows many: {}", in_view.len());
    reader.browser.wait("inView.every((tile) => tile.dataset.state === 'done')");
    reader.browser.screenshot("page-desktop-after-a-jump");

    let after = reader.browser.run("return wire.slice(jumped)");
    let mut after = after.as_array().expect("a list").iter();
    after.find(|it| it["sent"]["type"] == "viewport").expect("the page says where it is");
    let done = after.filter(|it| !it["received"]["url"].is_null());
    let done: Vec<&Value> = done.map(|it| &it["received"]["uuid"]).collect();
    let last = done.iter().rposition(|uuid| in_view.contains(uuid)).expect("some are done");
    let elsewhere = done[..=last].iter().filter(|uuid| !in_view.contains(uuid)).count();
    // One picture was at work, and the service finished a few more before the page's message
    // arrived.
    assert!(elsewhere <= 5, "{elsewhere} far away were done before those in view: {done:?}");
}

#[test]
fn closing_a_waiting_tile_cancels_its_picture() {
    let reader = Reader::start(Screen::DESKTOP, 1);
    // The largest zoom, so that most pictures still wait when the reader acts.
    reader.choose("zoom", "1.5");
    reader.browser.click("#samples");
    reader.browser.wait("all('.tile[data-state=grey]').length === 0");
    let uuid = reader.browser.run("return all('.tile[data-state=queued]').at(-1).dataset.uuid");
    let uuid = uuid.as_str().expect("a uuid").to_owned();
    let tile = format!("[data-uuid='{uuid}']");
    reader.browser.click(&format!("{tile} .close"));
    let reported = format!("received?.uuid === '{uuid}' && received.code === 'cancelled'");
    reader.browser.wait(&format!("wire.some(({{ received }}) => {reported})"));
    reader.browser.wait("count('cancelled') === 1");
    assert_eq!(reader.browser.run(&format!("return state(\"{tile}\")")), "cancelled");
    reader.browser.screenshot("page-desktop-cancelled");

    // A second click on close removes the tile. After a clear, the page is as it was at the start.
    reader.browser.click(&format!("{tile} .close"));
    reader.browser.wait("all('.tile').length === 119");
    reader.browser.click("#clear");
    reader.browser.wait("all('.tile').length === 0 && document.querySelector('#bar').hidden");
    assert_eq!(reader.browser.complaints(), [""; 0]);
}

#[test]
fn a_chosen_file_comes_back_in_the_chosen_pipeline_and_size() {
    let reader = Reader::start(Screen::DESKTOP, 0);
    let file = reader.service.folder().join("holiday.jpg");
    fs::write(&file, photo(400, 300)).expect("the folder is writable");
    reader.choose("result", "rl");
    reader.choose("zoom", "0.5");
    reader.browser.type_into("#file", file.to_str().expect("a path in Unicode"));
    reader
        .browser
        .wait("all('.tile[data-state=done] .result > img.shown:not(.before)').length === 1");
    reader.wait_for_counts([1, 0, 0, 0]);
    let result = reader.browser.run(
        "const image = document.querySelector('.result > img');
         const canvas = document.createElement('canvas');
         Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
         const paint = canvas.getContext('2d');
         paint.drawImage(image, 0, 0);
         const { data } = paint.getImageData(0, 0, canvas.width, canvas.height);
         let grey = true;
         for (let i = 0; i < data.length; i += 4) {
           grey &&= data[i] === data[i + 1] && data[i] === data[i + 2];
         }
         return [canvas.width, canvas.height, grey];",
    );
    assert_eq!(result, json!([200, 150, true]));
    assert_eq!(reader.browser.complaints(), [""; 0]);
}

#[test]
fn the_page_shows_the_error_for_a_file_that_is_not_a_picture() {
    let reader = Reader::start(Screen::DESKTOP, 0);
    let file = reader.service.folder().join("broken.jpg");
    fs::write(&file, "this is no picture").expect("the folder is writable");
    reader.browser.type_into("#file", file.to_str().expect("a path in Unicode"));
    reader.browser.wait("all('.tile[data-state=error]').length === 1");
    reader.wait_for_counts([0, 0, 0, 1]);
    let reported = reader.browser.run(
        "const said = wire.map((it) => it.received).find((it) => it?.code === 'bad_image');
         const shown = (name) => document.querySelector('.tile .' + name).textContent;
         return [said.error === shown('status'), shown('code')];",
    );
    assert_eq!(reported, json!([true, "bad_image"]));
    reader.browser.screenshot("page-desktop-error");
}

#[test]
fn the_page_fits_a_phone_without_scrolling_sideways() {
    let reader = Reader::start(Screen::PHONE, 0);
    let too_wide = "return document.documentElement.scrollWidth - innerWidth";
    assert_eq!(reader.browser.run(too_wide), 0);
    reader.browser.screenshot("page-phone-opening");
    reader.choose("result", "small");
    reader.browser.click("#samples");
    reader.browser.wait("count('done') >= 6");
    assert_eq!(reader.browser.run(too_wide), 0);
    let outside = reader.browser.run(
        "return all('button:not(#thumbs *), .tile').filter((it) => it.offsetParent).map((it) => it.getBoundingClientRect())
           .filter(({ left, right }) => left < 0 || right > innerWidth).length",
    );
    assert_eq!(outside, 0, "all can be reached");
    reader.browser.screenshot("page-phone-at-work");
    assert_eq!(reader.browser.complaints(), [""; 0]);
}

#[test]
fn a_page_outlives_its_service() {
    let mut reader = Reader::start(Screen::DESKTOP, 1);
    reader.browser.run("for (const button of all('#thumbs button')) button.click();");
    reader.browser.wait("count('done') >= 1");
    reader.service.restart();
    reader.browser.wait("wire.some((it) => it.closed)");
    reader.browser.wait("state('#connection') === 'open'");
    reader.wait_for_all();
    reader.wait_for_counts([THUMBS, 0, 0, 0]);
}

/// docs/deploy.md advises it.
const RATE: &str = "rate = \"60/s\"";

#[test]
fn a_page_has_every_answer_with_every_example_and_the_rate_that_the_documents_advise() {
    let advice = fs::read_to_string(root().join("docs/deploy.md")).expect("the file exists");
    assert!(advice.contains(RATE), "docs/deploy.md no longer contains {RATE}");
    let examples = fs::read_dir(root().join("examples")).expect("the file exists");
    let mut files: Vec<_> =
        examples.map(|entry| entry.expect("the entry is readable").path()).collect();
    files.push(root().join("routing.toml"));
    let tables = files.iter().filter(|file| file.extension().is_some_and(|it| it == "toml"));
    let tables = tables.map(|file| (file, fs::read_to_string(file).expect("it is text")));
    let tables: Vec<_> =
        tables.filter(|(_, table)| table.contains("consumer = \"image.receive\"")).collect();
    assert!(tables.len() >= 4, "{tables:?}");
    let mut browser = Reader::browser(Screen::DESKTOP);
    for (file, table) in tables {
        let service = Service::start(&with_the_page(&table));
        let query = token(&service, &table).map(|token| format!("/?{token}"));
        let reader = Reader::open(browser, service, &query.unwrap_or("/".into()));
        reader.choose("result", "rl");
        reader.choose("zoom", "0.25");
        reader.choose("amount", "400");
        reader.browser.click("#samples");
        reader.wait_for_all();
        reader.wait_for_counts([400, 0, 0, 0]);
        let closed = reader.browser.run("return wire.filter((it) => it.closed)");
        assert_eq!(closed, json!([]), "{}", file.display());
        assert_eq!(reader.browser.complaints(), [""; 0], "{}", file.display());
        // Leave the page first, because it would complain when the service ends.
        reader.browser.open("about:blank");
        browser = reader.browser;
    }
}

#[test]
fn the_documents_script_says_where_it_is_once_a_frame() {
    let document = fs::read_to_string(root().join("docs/start.md")).expect("the file exists");
    let script = document.split("```js\n").nth(1).and_then(|rest| rest.split("```").next());
    let reader = Reader::start(Screen::DESKTOP, 0);
    // A page without the demonstration's own script.
    reader.browser.open(&reader.service.url("/samples/alps.jpg"));
    reader.browser.run(script.expect("docs/start.md has a script"));
    reader.browser.wait("wire.some((it) => it.received)");
    reader.browser.run("for (let i = 0; i < 100; i++) dispatchEvent(new Event('scroll'));");
    reader.browser.wait("wire.some((it) => it.sent?.type === 'viewport')");
    // The script sends its messages by the end of the next frame.
    reader
        .browser
        .run("requestAnimationFrame(() => requestAnimationFrame(() => wire.push('end')));");
    reader.browser.wait("wire.includes('end')");
    let said = reader.browser.run("return wire.filter((it) => it.sent).length");
    assert_eq!(said, 1);
}

/// This table with the page's routes, at the advised rate, changed so that one machine can serve
/// it.
fn with_the_page(table: &str) -> String {
    let elsewhere = ["listen", "hosts", "public_url", "origins", "rate "];
    let mut kept: Vec<&str> =
        table.lines().filter(|line| !elsewhere.iter().any(|key| line.starts_with(key))).collect();
    match kept.iter().position(|line| line.starts_with("[limits]")) {
        Some(at) => kept.insert(at + 1, RATE),
        None => kept.extend(["[limits]", RATE]),
    }
    let mut table = kept.join("\n").replace("${WATERWAY_SECRET}", SECRET) + "\n";
    for (path, consumer) in [("/", "page"), ("/samples/{name}", "page.sample")] {
        if !table.contains(&format!("consumer = \"{consumer}\"")) {
            let route = format!(
                "[[route]]\nchannel = \"http.request\"\nmethod = \"GET\"\n\
                 path = \"{path}\"\nconsumer = \"{consumer}\"\n"
            );
            table += &route;
        }
    }
    table
}

const SECRET: &str = "a secret of more than thirty-two bytes, for tests";

/// A token for this table, if the table demands one.
fn token(service: &Service, table: &str) -> Option<String> {
    let arguments = ["token", "--ip", "127.0.0.1", "--claim", "sub=anna"];
    table.lines().any(|line| line.starts_with("[auth.")).then(|| {
        let made = waterway(service.folder(), &arguments);
        String::from_utf8(made.stdout).expect("a token is ASCII").trim().to_owned()
    })
}

/// A browser with the page open, and the service behind it.
struct Reader {
    browser: Browser,
    service: Service,
}

impl Reader {
    /// Opens the page and waits until it is connected. `workers` of 0 means one for each core.
    fn start(screen: Screen, workers: u8) -> Self {
        Self::open(Self::browser(screen), Service::start(&routing(workers)), "/")
    }

    /// A browser that records the messages of the page's sockets.
    fn browser(screen: Screen) -> Browser {
        let browser = Browser::start(screen);
        browser.before_every_page(KEEP_THE_WIRE);
        browser
    }

    /// Opens the page of this service, and waits until it is connected.
    fn open(browser: Browser, service: Service, target: &str) -> Self {
        browser.open(&service.url(target));
        browser.wait("state('#connection') === 'open'");
        browser.wait("all('#thumbs img').every((image) => image.naturalWidth)");
        Self { browser, service }
    }

    /// Chooses an option by its label.
    fn choose(&self, name: &str, value: &str) {
        self.browser.click(&format!("label:has(input[name={name}][value='{value}'])"));
    }

    /// Waits until the page's counters show no waiting picture. Each further picture that is done
    /// begins the wait again.
    fn wait_for_all(&self) {
        loop {
            let [done, waiting, ..] = self.counts();
            if waiting == 0 {
                return;
            }
            self.browser.wait(&format!("count('done') > {done} || count('waiting') === 0"));
        }
    }

    /// Waits until the page's counters show these numbers; the page draws them a moment after its
    /// tiles.
    fn wait_for_counts(&self, [done, waiting, cancelled, errors]: [u64; 4]) {
        self.browser.wait(&format!(
            "['done', 'waiting', 'cancelled', 'errors'].map(count).join() === \
             '{done},{waiting},{cancelled},{errors}'"
        ));
    }

    /// The page's counters: done, waiting, cancelled and errors.
    fn counts(&self) -> [u64; 4] {
        ["done", "waiting", "cancelled", "errors"].map(|name| {
            let count = self.browser.run(&format!("return count('{name}')"));
            count.as_u64().expect("a counter is a number")
        })
    }
}

/// The routing table that ships, on a free port and with this many workers.
fn routing(workers: u8) -> String {
    let ships = fs::read_to_string(root().join("routing.toml")).expect("it ships");
    let (listen, all) = ("listen     = [\"127.0.0.1:8000\"]", "workers   = 0");
    assert!(
        ships.contains(listen) && ships.contains(all),
        "routing.toml no longer contains the lines to replace"
    );
    ships
        .replace(listen, "listen = [\"127.0.0.1:0\"]")
        .replace(all, &format!("workers = {workers}"))
}
