//! Imports between files: none in a circle, and none upwards where a root orders its modules.
//!
//! Tests are left out. A module that re-exports another one's items imports it, so within a folder
//! files name each other and not the folder's own file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::floors::{in_folder, modules};
use super::source::{Source, sources};

/// The path of a module from its crate's root.
type Module = Vec<String>;

/// The imports of each file of a crate.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// The imports of files that are in a circle or between two circles.
pub(super) fn circles(root: &Path) -> Vec<String> {
    let mut left = imports(root);
    loop {
        let before = left.len();
        // A file that imports none of the remaining files is not in a circle, and neither is a file
        // that none of them imports.
        let imported: BTreeSet<Module> = left.values().flatten().cloned().collect();
        let alone = |module: &Module, imports: &BTreeSet<Module>, left: &Imports| {
            !imported.contains(module) || !imports.iter().any(|import| left.contains_key(import))
        };
        let gone: Vec<Module> = left
            .iter()
            .filter(|(module, imports)| alone(module, imports, &left))
            .map(|(module, _)| module.clone())
            .collect();
        for module in &gone {
            left.remove(module);
        }
        for imports in left.values_mut() {
            imports.retain(|import| !gone.contains(import));
        }
        if left.len() == before {
            break;
        }
    }
    let reported = |(module, imports): (Module, BTreeSet<Module>)| {
        let imports: Vec<String> = imports.iter().map(|import| import.join("::")).collect();
        format!("{} is in a circle: it imports {}", module.join("::"), imports.join(", "))
    };
    left.into_iter().map(reported).collect()
}

/// The imports of modules below their own in the order of `lib.rs`.
pub(super) fn upwards(root: &Path) -> Vec<String> {
    let lib = fs::read_to_string(root.join("lib.rs")).expect("the crate has a lib.rs");
    let floors = modules(&lib);
    assert!(floors.len() > 1, "lib.rs has modules");
    let height = |module: &Module| floors.iter().position(|floor| *floor == module[0]);
    let mut found = Vec::new();
    for (module, imports) in imports(root) {
        for import in imports.iter().filter(|import| height(import) > height(&module)) {
            let (own, below) = (module.join("::"), import.join("::"));
            found.push(format!("{own} imports {below}, which stands below it in lib.rs"));
        }
    }
    found
}

fn imports(root: &Path) -> Imports {
    let files: Vec<(Module, String)> = sources(root, &["."]).iter().filter_map(file).collect();
    let known: BTreeSet<Module> = files.iter().map(|(module, _)| module.clone()).collect();
    let of_file = |(module, code): &(Module, String)| {
        let paths = paths(code).into_iter();
        let mut imports: BTreeSet<Module> =
            paths.filter_map(|path| target(&path, module, &known)).collect();
        imports.remove(module);
        (module.clone(), imports)
    };
    files.iter().map(of_file).collect()
}

/// A file's module and its code without tests; `None` for tests and for roots.
fn file(source: &Source) -> Option<(Module, String)> {
    let path = source.path.trim_start_matches("./").strip_suffix(".rs")?;
    let module: Module = path.trim_end_matches("/mod").split('/').map(str::to_owned).collect();
    let is_test = module.iter().any(|part| part == "tests" || part == "samples");
    if is_test || module == ["lib"] || module == ["main"] {
        return None;
    }
    let code: String = source.code().flat_map(|(_, line)| [line, "\n"]).collect();
    let end = code.find("\nmod tests {").unwrap_or(code.len());
    Some((module, code[..end].to_owned()))
}

/// The paths that code names: those of `use`, one for each name in braces, and those within lines.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let begins = rest[..at].chars().next_back().is_none_or(char::is_whitespace);
        let (_, after) = rest[at..].split_at(4);
        rest = after;
        if let (true, Some(end)) = (begins, after.find(';')) {
            let path: String = after[..end].split_whitespace().collect::<Vec<_>>().join(" ");
            expand("", &path, &mut found);
        }
    }
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    // A path that ends with `::` is the beginning of a group, which was taken apart above.
    let whole = |path: &&str| path.contains("::") && !path.ends_with("::");
    found.extend(code.split(|c| !word(c)).filter(whole).map(str::to_owned));
    found
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn expand(before: &str, path: &str, found: &mut Vec<String>) {
    let Some((begin, group)) = path.split_once('{') else {
        let name = path.split(" as ").next().unwrap_or(path).trim();
        if !name.is_empty() {
            found.push(format!("{before}{name}"));
        }
        return;
    };
    let before = format!("{before}{}", begin.trim());
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let (mut depth, mut from) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&before, &group[from..at], found);
                from = at + 1;
            }
            _ => {}
        }
    }
    expand(&before, &group[from..], found);
}

/// The file in which a path's item is, if it is of this crate.
fn target(path: &str, from: &Module, known: &BTreeSet<Module>) -> Option<Module> {
    let mut parts = path.split("::").map(str::trim).peekable();
    let mut module = match *parts.peek()? {
        "crate" => {
            parts.next();
            Vec::new()
        }
        "self" => {
            parts.next();
            from.clone()
        }
        "super" => {
            let mut above = from.clone();
            while parts.next_if_eq(&"super").is_some() {
                above.pop();
            }
            above
        }
        child => {
            let child = [&from[..], &[child.to_owned()]].concat();
            known.contains(&child).then(|| from.clone())?
        }
    };
    for part in parts {
        module.push(part.to_owned());
        if !known.contains(&module) {
            module.pop();
            break;
        }
    }
    known.contains(&module).then_some(module)
}

#[test]
fn an_import_is_found_however_it_is_written() {
    for (code, expected) in [
        ("use crate::b::X;", vec!["b"]),
        ("use super::b::{X, c::Y};", vec!["b", "b::c"]),
        ("use crate::{b::{self, c}, other::X};", vec!["b", "b::c"]),
        ("fn f(x: crate::b::c::X) {}", vec!["b::c"]),
        ("use std::fmt;\n// use crate::b::X;", vec![]),
        ("#[cfg(test)]\nmod tests {\n    use crate::b::X;\n}", vec![]),
    ] {
        let files = [("a.rs", code), ("b.rs", ""), ("b/c.rs", "")];
        let imports = in_folder(&files, imports);
        let found: Vec<String> =
            imports[&vec!["a".to_owned()]].iter().map(|module| module.join("::")).collect();
        assert_eq!(found, expected, "{code:?}");
    }
}

#[test]
fn a_planted_circle_is_found() {
    for (files, circle) in [
        (vec![("a.rs", "use crate::b::X;"), ("b.rs", "use crate::c::X;"), ("c.rs", "")], false),
        (
            vec![
                ("a.rs", "use crate::b::X;"),
                ("b.rs", "use crate::c::X;"),
                ("c.rs", "use super::a::X;"),
            ],
            true,
        ),
        // A folder's own file and a file in it.
        (vec![("a.rs", "mod b;\npub use b::X;"), ("a/b.rs", "use super::Y;")], true),
        (
            vec![
                ("a.rs", "mod b;\nmod c;\npub use self::b::X;"),
                ("a/b.rs", "use super::{c::Y};"),
                ("a/c.rs", ""),
            ],
            false,
        ),
    ] {
        assert_eq!(!in_folder(&files, circles).is_empty(), circle, "{files:?}");
    }
}

#[test]
fn a_planted_import_from_below_is_found() {
    let lib = ("lib.rs", "mod low;\nmod high;\n");
    let found = in_folder(&[lib, ("low.rs", "use crate::high::X;"), ("high.rs", "")], upwards);
    assert_eq!(found, ["low imports high, which stands below it in lib.rs"]);
    let found = in_folder(&[lib, ("low.rs", ""), ("high.rs", "use crate::low::X;")], upwards);
    assert!(found.is_empty(), "{found:?}");
}
