//! Chromium without a window, driven by `chromedriver` over plain HTTP (W3C `WebDriver`).

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::{Answer, request, try_request};
use super::log::Log;
use super::{PATIENCE, root};

/// How long a script may run in the page: less than the timeout of its request.
const SCRIPT_MAX: u128 = PATIENCE.as_millis() - 2000;

/// Milliseconds between two checks of a condition, in the page.
const LOOK_EVERY: u32 = 20;

const FLAGS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser with a fresh profile and one page. It ends when it is dropped.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    /// The profile and all other files of the browser.
    folder: TempDir,
}

/// The screen that shows a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) phone: bool,
    pub(crate) dark: bool,
}

impl Screen {
    pub(crate) const DESKTOP: Self = Self { width: 1440, height: 900, phone: false, dark: false };
    pub(crate) const PHONE: Self = Self { width: 390, height: 844, phone: true, dark: true };
}

/// How often the driver is started before a test gives up.
const ATTEMPTS: usize = 5;

/// The driver and its port; `None` when the port that it chose was taken meanwhile, by IPv4 or IPv6.
fn start_driver(folder: &TempDir) -> Option<(Child, u16)> {
    let mut command = Command::new(installed("chromedriver"));
    command.args(["--port=0"]).stdin(Stdio::null()).stderr(Stdio::null());
    // Files that the browser leaves among temporary files are removed with its folder.
    command.env("TMPDIR", folder.path());
    let mut driver = command.stdout(Stdio::piped()).spawn().expect("chromedriver starts");
    let log = Log::keep(driver.stdout.take().expect("stdout is piped"));
    let port = log.wait("line with the driver's port", |line| {
        if line.contains("port not available") {
            return Some(None);
        }
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse::<u16>().ok().map(Some)
    });
    if port.is_none() {
        let _ = driver.wait();
    }
    port.map(|port| (driver, port))
}

impl Browser {
    /// Starts a browser with this screen.
    pub(crate) fn start(screen: Screen) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let (driver, port) = (0..ATTEMPTS)
            .find_map(|_| start_driver(&folder))
            .expect("chromedriver finds a port that is free");
        let mut browser = Self { driver, session: String::new(), folder };
        browser.open_session(port);
        browser.show_on(screen);
        browser
    }

    fn open_session(&mut self, port: u16) {
        let address = format!("http://127.0.0.1:{port}/session");
        let profile = self.folder.path().join("profile");
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.display()));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "timeouts": {"script": SCRIPT_MAX},
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"binary": installed("chromium"), "args": flags},
        }}});
        let answer = value(&request("POST", &address, &JSON, wanted.to_string()));
        let answer = answer.unwrap_or_else(|error| panic!("no session: {error}"));
        let id = answer["sessionId"].as_str().expect("a session has an id");
        self.session = format!("{address}/{id}");
    }

    /// Changes the screen: its size, its kind and its colours.
    fn show_on(&self, Screen { width, height, phone, dark }: Screen) {
        let scale = if phone { 2 } else { 1 };
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone}),
        );
        self.devtools("Emulation.setTouchEmulationEnabled", &json!({"enabled": phone}));
        let scheme = if dark { "dark" } else { "light" };
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": [feature]}));
    }

    /// Runs this script in every page before the page's own scripts.
    pub(crate) fn before_every_page(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({"source": script}));
    }

    /// Opens a page.
    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// Runs the body of a function in the page and returns the function's value.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits until this expression holds in the page and returns its value.
    ///
    /// # Panics
    /// When it does not hold in time; a screenshot of that moment is kept.
    pub(crate) fn wait(&self, expression: &str) -> Value {
        let script = format!(
            "const found = arguments[arguments.length - 1];
             (function look() {{
               const value = ({expression});
               if (value) found(value); else setTimeout(look, {LOOK_EVERY});
             }})();"
        );
        let body = json!({"script": script, "args": []});
        self.call("POST", "/execute/async", body.to_string()).unwrap_or_else(|error| {
            let name = thread::current().name().unwrap_or("test").replace("::", "-");
            self.screenshot(&format!("failed-{name}"));
            panic!("{expression} never held, see .artefacts/failed-{name}.png: {error}")
        })
    }

    /// Clicks an element as a reader does: it must be there, visible and under nothing else.
    pub(crate) fn click(&self, selector: &str) {
        self.post(&format!("{}/click", self.find(selector)), &json!({}));
    }

    /// Types into an element; in a file input, chooses the file with this path.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        self.post(&format!("{}/value", self.find(selector)), &json!({"text": text}));
    }

    /// The complaints of the page and the browser since the last call.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let entries = self.post("/se/log", &json!({"type": "browser"}));
        let entries = entries.as_array().expect("a log has entries");
        let bad = entries.iter().filter(|entry| entry["level"] != "INFO");
        bad.map(|entry| entry["message"].to_string()).collect()
    }

    /// Keeps a picture of the screen as `.artefacts/NAME.png`.
    pub(crate) fn screenshot(&self, name: &str) {
        let folder = root().join(".artefacts");
        fs::create_dir_all(&folder).expect("the repository is writable");
        let picture = self.call("GET", "/screenshot", String::new()).expect("a screenshot");
        let picture = STANDARD.decode(picture.as_str().expect("base64")).expect("base64");
        fs::write(folder.join(name).with_extension("png"), picture)
            .expect("the folder is writable");
    }

    fn find(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        let (_, id) = found.as_object().and_then(|it| it.iter().next()).expect("an element");
        format!("/element/{}", id.as_str().expect("an element's id is text"))
    }

    fn devtools(&self, command: &str, parameters: &Value) {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}));
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.call("POST", path, body.to_string());
        answer.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    fn call(&self, method: &str, path: &str, body: String) -> Result<Value, String> {
        value(&request(method, &format!("{}{path}", self.session), &JSON, body))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // The driver ends its browser; it fails only if the driver has ended already.
            let _ = try_request("DELETE", &self.session, &[], Vec::new());
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// The driver's answer, or its error message.
fn value(answer: &Answer) -> Result<Value, String> {
    let value = answer.json()["value"].take();
    if answer.status == 200 { Ok(value) } else { Err(value["message"].to_string()) }
}

/// The path of the program with this name.
fn installed(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|it| it.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: run scripts/test, which installs it"))
}
