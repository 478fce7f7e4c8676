//! Tests with texts that nobody would write.

use proptest::prelude::*;

use super::*;

#[test]
fn depth_is_bounded() {
    for text in ["[".repeat(100_000), "a.".repeat(100_000), format!("a = {}", "{a=".repeat(50_000))]
    {
        let loaded = parse(&text);
        assert!(!loaded.mistakes.is_empty());
        let _ = loaded.report().to_string();
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,80}") {
        let loaded = parse(&text);
        let _ = loaded.report().to_string();
    }

    #[test]
    fn no_text_like_the_file_is_too_strange(
        cut in 0..DESIGN.len(),
        length in 0_usize..60,
        put in r#"[\[\]{}="$.,a-c0-9\n ]{0,8}"#,
    ) {
        let mut text: Vec<char> = DESIGN.chars().collect();
        let end = (cut + length).min(text.len());
        text.splice(cut.min(end)..end, put.chars());
        let text: String = text.into_iter().collect();
        let loaded = parse(&text);
        let report = loaded.report().to_string();
        prop_assert!(report.lines().count() > loaded.mistakes.len());
        // What is told once is told once.
        let mut places: Vec<_> = loaded.mistakes.iter().map(|m| (m.place, &m.message)).collect();
        places.dedup();
        prop_assert_eq!(places.len(), loaded.mistakes.len());
    }

    #[test]
    fn no_slip_of_the_pen_brings_a_secret_into_a_report(
        before in any::<bool>(),
        at in any::<prop::sample::Index>(),
        length in 0_usize..60,
        put in r#"[\[\]{}="$.,a-c0-9\n ]{0,8}"#,
    ) {
        let text = DESIGN.replace("${WATERWAY_SECRET}", "hunter2-hunter2");
        let (start, _) = text.split_once("[auth.token]").unwrap();
        let (_, end) = text.split_once("hunter2-hunter2\"").unwrap();
        let own = &text[start.len()..text.len() - end.len()];
        // A slip before it or behind it, that leaves its line and its header alone.
        let slip = |text: &str| {
            let mut text: Vec<char> = text.chars().collect();
            let at = at.index(text.len() + 1);
            text.splice(at..(at + length).min(text.len()), put.chars());
            text.into_iter().collect::<String>()
        };
        let text = if before {
            format!("{}\n{own}{end}", slip(start))
        } else {
            format!("{start}{own}{}", slip(end))
        };
        let loaded = parse(&text);
        let shown = format!("{} {loaded:?}", loaded.report());
        prop_assert!(!shown.contains("hunter2"), "{}\n{}", text, shown);
    }
}
