//! Tests of how a report looks.

use super::{Diagnostic, Report, Sources, Span};

fn check(text: &str, marked: &str, help: Option<&str>, shown: &str) {
    let mut sources = Sources::default();
    let file = sources.add("routing.toml", text);
    let start = text.find(marked).unwrap();
    let span = Span { file, start, end: start + marked.len() };
    let diagnostic = Diagnostic::new(span, "wrong").help(help.map(str::to_owned));
    assert_eq!(Report::new(&sources, &[diagnostic]).to_string(), shown);
}

#[test]
fn the_mark_is_under_the_mistake() {
    check(
        "\n\n\n\n\n\n\n\n\n\n\n\n\nqueue  = \"image\"\n",
        "\"image\"",
        Some("did you mean \"images\"?"),
        "routing.toml:14:10: wrong\n   |\n14 | queue  = \"image\"\n   |          ^^^^^^^ did you mean \"images\"?\n1 mistake",
    );
}

#[test]
fn tabs_wide_characters_and_control_characters_keep_the_mark_in_place() {
    check(
        "\ta = x",
        "x",
        None,
        "routing.toml:1:6: wrong\n  |\n1 |     a = x\n  |         ^\n1 mistake",
    );
    check(
        "a = [\"日本\", \"é\"]",
        "\"é\"",
        None,
        "routing.toml:1:12: wrong\n  |\n1 | a = [\"日本\", \"é\"]\n  |              ^^^\n1 mistake",
    );
    check(
        "\"日本\" = 1",
        "\"日本\"",
        None,
        "routing.toml:1:1: wrong\n  |\n1 | \"日本\" = 1\n  | ^^^^^^\n1 mistake",
    );
    check(
        "# \u{1b}[31m x\r\n",
        "x",
        None,
        "routing.toml:1:9: wrong\n  |\n1 | # \u{fffd}[31m x\n  |         ^\n1 mistake",
    );
}

#[test]
fn only_the_first_of_several_lines_is_shown() {
    check(
        "a = [\n  1,\n]\n",
        "[\n  1,\n]",
        None,
        "routing.toml:1:5: wrong\n  |\n1 | a = [\n  |     ^\n1 mistake",
    );
}

#[test]
fn a_long_line_is_cut_around_the_mark() {
    let text = format!("{}x{}", "a".repeat(500), "b".repeat(500));
    check(
        &text,
        "x",
        None,
        &format!(
            "routing.toml:1:501: wrong\n  |\n1 | …{}x{}…\n  | {}^\n1 mistake",
            "a".repeat(60),
            "b".repeat(99),
            " ".repeat(61)
        ),
    );
}

#[test]
fn mistakes_are_shown_in_the_order_of_the_files() {
    let mut sources = Sources::default();
    sources.add("a.toml", "x\ny\n");
    sources.add("gone.toml", "");
    let at = |file, start| Diagnostic::new(Span { file, start, end: start + 1 }, "wrong");
    let diagnostics = [at(1, 0).help("look".to_owned()), at(0, 2), at(0, 0), at(0, 4)];
    assert_eq!(
        Report::of_warnings(&sources, &diagnostics).to_string(),
        "a.toml:1:1: warning: wrong\n  |\n1 | x\n  | ^\n\
         a.toml:2:1: warning: wrong\n  |\n2 | y\n  | ^\n\
         a.toml:3:1: warning: wrong\n  |\n3 |\n  | ^\n\
         gone.toml: warning: wrong\n  look\n4 warnings"
    );
}
