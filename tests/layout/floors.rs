//! The floors of the framework: the order of the `mod` lines in `src/lib.rs`.

use std::fs;
use std::path::Path;

use super::source::{Source, sources};

/// Every place in these sources where a module names a module below its own line, or hides which
/// module it names behind a name that the root exports.
pub(super) fn climbs(src: &Path) -> Vec<String> {
    let root = fs::read_to_string(src.join("lib.rs")).expect("src/lib.rs is there");
    let floors = modules(&root);
    assert!(floors.len() > 1, "src/lib.rs has modules");
    let mut found = Vec::new();
    for source in sources(src, &["."]).iter().filter(|source| source.path != "./lib.rs") {
        let own = module(&source.path);
        let Some(height) = floors.iter().position(|floor| *floor == own) else {
            found.push(format!("src/{}: no module of src/lib.rs", &source.path[2..]));
            continue;
        };
        for (line, name) in names(source) {
            let complaint = match floors.iter().position(|floor| *floor == name) {
                Some(named) if named <= height => continue,
                Some(_) => format!("{own} uses {name}, which is below it in src/lib.rs"),
                None => format!("`crate::{name}` hides a module: name it by the module's path"),
            };
            found.push(format!("src/{}:{line}: {complaint}", &source.path[2..]));
        }
    }
    found
}

/// The modules that a root declares, in its order.
pub(super) fn modules(root: &str) -> Vec<String> {
    let declared = root.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    declared.map(str::to_owned).collect()
}

/// The top-level module that a file belongs to: `./queue/task.rs` to `queue`.
fn module(path: &str) -> &str {
    let path = path.trim_start_matches("./");
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

/// The names that a file uses from the crate's root, with their lines: through `crate::`, also in
/// braces, and through one `super::` for each level of its module. An indented `super` starts from
/// a module within the file.
fn names(source: &Source) -> Vec<(usize, String)> {
    let code: String = source.code().flat_map(|(_, line)| [line, "\n"]).collect();
    // `queue.rs` and `queue/mod.rs` are one deep, `queue/task.rs` two.
    let parts = source.path.trim_start_matches("./").trim_end_matches("/mod.rs").split('/').count();
    let up = format!("use {}", "super::".repeat(parts));
    let mut found = Vec::new();
    for start in ["crate::", up.as_str()] {
        for (at, _) in code.match_indices(start) {
            let line = code[..at].matches('\n').count() + 1;
            let begin = code[..at].rfind('\n').map_or(0, |newline| newline + 1);
            if start == up && code[begin..].starts_with(' ') {
                continue;
            }
            let rest = &code[at + start.len()..];
            // One more `super` than there are floors would not compile.
            found.extend(first_names(rest).into_iter().map(|name| (line, name)));
        }
    }
    found
}

/// `a` of `a::b`; `a` and `c` of `{a::{b}, c}`.
fn first_names(path: &str) -> Vec<String> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let Some(group) = path.strip_prefix('{') else {
        let end = path.find(|c| !word(c)).unwrap_or(path.len());
        return vec![if end == 0 { path.chars().take(1).collect() } else { path[..end].into() }];
    };
    let mut names = vec![String::new()];
    let mut depth = 0;
    let mut in_name = true;
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(String::new());
                in_name = true;
                continue;
            }
            _ => {}
        }
        in_name &= c.is_whitespace() || word(c) || c == '*';
        if in_name && !c.is_whitespace() && depth == 0 {
            names.last_mut().expect("it begins with one").push(c);
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Writes sources into a temporary folder and checks it.
pub(super) fn in_folder<T>(files: &[(&str, &str)], check: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in the folder"))
            .expect("the folder is writable");
        fs::write(path, text).expect("the folder is writable");
    }
    check(folder.path())
}

#[test]
fn an_import_from_a_lower_floor_is_found_however_it_is_written() {
    let root = "mod low;\nmod middle;\npub mod top;\n\npub use middle::Thing;\n";
    for (path, code, climbs) in [
        ("middle.rs", "use crate::low::X;", &[][..]),
        ("middle/mod.rs", "use crate::middle::inner::X;", &[]),
        ("middle/inner.rs", "use super::X;\nuse super::super::low::X;", &[]),
        ("middle/mod.rs", "// use crate::top::X;", &[]),
        ("middle.rs", "use crate::top::X;", &["1: middle uses top"]),
        ("middle.rs", "\nfn f(x: crate::top::X) {}", &["2: middle uses top"]),
        ("middle.rs", "use crate::{low::{X, top}, top::Y};", &["1: middle uses top"]),
        ("low/deep/er.rs", "use crate::{\n    low,\n    middle,\n};", &["1: low uses middle"]),
        ("low.rs", "pub(crate) use crate::middle;", &["1: low uses middle"]),
        ("low.rs", "use super::middle::X;", &["1: low uses middle"]),
        ("low/mod.rs", "use super::{middle, top};", &["1: low uses middle", "1: low uses top"]),
        ("low/inner.rs", "use super::super::middle::X;", &["1: low uses middle"]),
        ("low.rs", "mod tests {\n    use super::Own;\n    use crate::low::X;\n}", &[]),
        ("low.rs", "mod tests {\n    use crate::top::X;\n}", &["2: low uses top"]),
        ("low.rs", "use crate::Thing;", &["1: `crate::Thing` hides a module"]),
        ("low.rs", "use crate::*;", &["1: `crate::*` hides a module"]),
    ] {
        let found = in_folder(&[("lib.rs", root), (path, code)], self::climbs);
        let begins =
            |found: &String, climb: &&str| found.starts_with(&format!("src/{path}:{climb}"));
        let equal =
            found.len() == climbs.len() && found.iter().zip(climbs).all(|(f, c)| begins(f, c));
        assert!(equal, "{path} {code:?}: {found:?}");
    }
}

#[test]
fn an_import_from_a_lower_floor_in_the_real_sources_is_found() {
    let src = crate::util::root().join("src");
    let root = fs::read_to_string(src.join("lib.rs")).unwrap();
    let floors = modules(&root);
    let (first, last) = (floors.first().unwrap(), floors.last().unwrap());
    let mut files: Vec<(String, String)> =
        sources(&src, &["."]).into_iter().map(|source| (source.path, source.text)).collect();
    let (_, text) = files.iter_mut().find(|(path, _)| module(path) == first).unwrap();
    text.extend(["use crate::", last, "::Anything;\n"]);
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let found = in_folder(&files, climbs);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains(&format!("{first} uses {last}")), "{found:?}");
}
