//! The repository's own rules, checked in the text of its sources.

mod circles;
mod floors;
mod source;

use std::fs;
use std::path::Path;

use self::source::{Source, sources};
use crate::util::root;

/// The most lines that a file may have.
const LINES_MAX: usize = 400;

/// Longer files that are still one concept, each with its reason.
const LONGER: [(&str, &str); 1] =
    [("consumers/page/samples/generate.py", "one picture after another, and run by hand")];

/// The files and folders that the top of the repository may have.
const TOP: &[&str] = &[
    "Cargo.toml",
    "src",
    "routing.toml",
    "consumers",
    "tests",
    "media",
    // Crates of their own.
    "imaging",
    "macros",
    // Folders of this project's own.
    "benches",
    "clients",
    "docs",
    "examples",
    "fuzz",
    "scripts",
    // Documents.
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Containerfile",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    // Files that tools look for here.
    ".cargo",
    ".ci",
    ".git",
    ".gitattributes",
    ".gitignore",
    "Cargo.lock",
    "clippy.toml",
    "deny.toml",
    "rustfmt.toml",
];

/// A crate and the one folder that may name it.
struct Household {
    names: &'static [&'static str],
    at_home: fn(&str) -> bool,
}

const HOUSEHOLDS: [Household; 8] = [
    Household { names: &["warp"], at_home: |path| path.starts_with("src/server/") },
    Household { names: &["toml"], at_home: |path| path.starts_with("src/config/") },
    Household {
        names: &["object_store", "reqwest"],
        at_home: |path| path.starts_with("consumers/storage/"),
    },
    Household {
        names: &["hyper_rustls", "rustls_native_certs"],
        at_home: |path| path.starts_with("consumers/webhook/"),
    },
    Household {
        names: &["rustls_graviola"],
        at_home: |path| path.starts_with("consumers/webhook/") || path.starts_with("src/redis/"),
    },
    Household {
        names: &["rustls"],
        at_home: |path| {
            path.starts_with("consumers/storage/")
                || path.starts_with("consumers/webhook/")
                || path.starts_with("src/redis/")
        },
    },
    Household {
        names: &[
            "fast_image_resize",
            "gif",
            "image_webp",
            "jpeg_encoder",
            "mozjpeg",
            "png",
            "turbojpeg",
            "webp",
            "zune_core",
            "zune_jpeg",
            "zune_png",
        ],
        at_home: |path| path.starts_with("imaging/"),
    },
    Household {
        names: &["image"],
        // In the root of the consumers `image` is their own module.
        at_home: |path| path.starts_with("imaging/") || path == "consumers/lib.rs",
    },
];

#[test]
fn a_module_uses_only_modules_above_its_own_line() {
    assert_none(&floors::climbs(&root().join("src")));
}

#[test]
fn no_file_imports_itself_by_way_of_others() {
    for folder in ["imaging", "consumers"] {
        assert_none(&circles::circles(&root().join(folder)));
    }
}

#[test]
fn a_module_of_imaging_uses_only_modules_above_its_own_line() {
    assert_none(&circles::upwards(&root().join("imaging")));
}

#[test]
fn imaging_knows_nothing_of_waterway() {
    let manifest = fs::read_to_string(root().join("imaging/Cargo.toml")).expect("it is a crate");
    assert!(!manifest.contains("waterway"), "imaging depends on no other crate of the workspace");
    let mut found = Vec::new();
    let is_test = |source: &Source| source.path.contains("/tests");
    for source in sources(&root(), &["imaging"]).into_iter().filter(|source| !is_test(source)) {
        for (line, code) in source.code() {
            let words = ["waterway", "routing.toml", "std::fs", "std::net"];
            let named = words.iter().filter(|word| code.contains(**word));
            found.extend(named.map(|word| format!("{}:{line}: names {word}", source.path)));
        }
    }
    assert_none(&found);
}

#[test]
fn each_external_crate_is_named_in_one_folder() {
    assert_none(&strangers(&root()));
}

#[test]
fn files_are_short_and_begin_with_their_purpose() {
    let mut found = Vec::new();
    for Source { path, text } in
        sources(&root(), &["src", "benches", "consumers", "imaging", "tests", "scripts"])
    {
        let lines = text.lines().count();
        let excused = LONGER.iter().any(|(longer, _)| *longer == path);
        if lines > LINES_MAX && !excused {
            found.push(format!(
                "{path}: {lines} lines, at most {LINES_MAX} are allowed: make it a folder"
            ));
        }
        if lines <= LINES_MAX && excused {
            found.push(format!("{path}: {lines} lines need no entry in LONGER"));
        }
        let sentence = text.strip_prefix("//! ").and_then(|rest| rest.chars().next());
        if is_rust(&path) && sentence.is_none_or(char::is_whitespace) {
            found.push(format!(
                "{path}:1: begin with `//! ` and a sentence that says what the file is"
            ));
        }
    }
    assert_none(&found);
}

#[test]
fn no_source_contains_unfinished_work() {
    // Split in two, so that this file does not contain the words.
    let later = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore")];
    let mut found = Vec::new();
    for Source { path, text } in
        sources(&root(), &["src", "benches", "consumers", "imaging", "tests"])
    {
        for (number, line) in text.lines().enumerate() {
            let here = later.iter().filter(|word| line.contains(*word));
            found.extend(here.map(|word| format!("{path}:{}: {word}", number + 1)));
        }
    }
    assert_none(&found);
}

#[test]
fn the_top_of_the_repository_has_only_the_listed_entries() {
    let root = root();
    let ignored = fs::read_to_string(root.join(".gitignore")).expect(".gitignore exists");
    let ignored: Vec<&str> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    let entries = fs::read_dir(&root).expect("the repository is a folder");
    let names = entries.map(|entry| entry.expect("the entry is readable").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let known = |name: &str| TOP.contains(&name) || ignored.contains(&name);
    let strange: Vec<String> = names.filter(|name| !known(name)).collect();
    assert_none(&strange);
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|kind| kind == "rs")
}

/// The places that name a crate outside its home.
fn strangers(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources(root, &["src", "consumers", "imaging"]) {
        for household in HOUSEHOLDS.iter().filter(|household| !(household.at_home)(&source.path)) {
            for (line, code) in source.code() {
                let named = household.names.iter().filter(|name| names_crate(code, name));
                let reported = named.map(|name| format!("{}:{line}: names {name}", source.path));
                found.extend(reported);
            }
        }
    }
    found
}

/// Whether this line of code names the crate: `use NAME`, or a path that begins with it.
fn names_crate(code: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let begins = match before.strip_suffix("::") {
            Some(before) => !before.ends_with(|c| word(c) || c == '>'),
            None => !before.ends_with(|c| word(c) || c == '.'),
        };
        let used = before.trim_end_matches("::").ends_with("use ") && !after.starts_with(word);
        begins && (after.starts_with("::") || used)
    })
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn a_crate_named_outside_of_its_folder_is_found() {
    for (code, named) in [
        ("use toml::Value;", true),
        ("use toml;", true),
        ("let x = ::toml::from_str(y);", true),
        ("fn f(x: toml::Value) {}", true),
        ("fn f(x: Vec<toml::Value>) {}", true),
        ("use crate::toml::Value;", false),
        ("use super::toml;", false),
        ("use routing_toml::Value;", false),
        ("use toml_edit::Value;", false),
        ("open(\"routing.toml\")", false),
    ] {
        assert_eq!(names_crate(code, "toml"), named, "{code}");
    }
}
