//! Pipelines as the table writes them, and the options that they stand among.

use std::fmt::Write;

use imaging::Step;
use serde_json::{from_value, json};
use waterway::Router;

use super::super::options::{OnTruncated, Pictures};
use super::mistakes;

/// A table whose pipelines have these steps, as `routing.toml` writes them.
fn routing(steps: &[&str]) -> String {
    let mut table = "[queue.q]\nconsumer = \"pictures\"\n[consumer.pictures]\n\
        use = \"image.work\"\n[consumer.pictures.results]\n"
        .to_owned();
    for (at, step) in steps.iter().enumerate() {
        writeln!(table, "p{at} = [{step}]").unwrap();
    }
    table
}

#[test]
fn every_example_is_sound() {
    let examples = Step::ALL.iter().flat_map(|about| about.examples.iter().copied());
    let here = |example: &&str| {
        (cfg!(feature = "avif") || !example.contains("avif"))
            && (cfg!(feature = "turbo") || !example.contains("webp = {"))
    };
    let examples: Vec<&str> = examples.filter(here).collect();
    let table = routing(&examples);
    if let Err(report) = Router::parse(&table, &crate::registry()) {
        panic!("{report}");
    }
}

#[cfg(not(feature = "avif"))]
#[test]
fn a_program_without_avif_says_so() {
    let report = Router::parse(&routing(&["\"avif\""]), &crate::registry()).unwrap_err();
    assert!(report.to_string().contains("--features avif"), "{report}");
}

#[test]
fn a_mistake_is_shown_at_its_place_with_the_nearest_right_name() {
    let table = routing(&[
        "\"graycsale\"",
        "{ blurr = 2.0 }",
        "{ cover = { size = [320, 240], gravty = \"top\" } }",
        "{ pad = { colour = \"#12\" } }",
    ]);
    let report = Router::parse(&table, &crate::registry()).unwrap_err().to_string();
    for (span, words) in [
        (":6:7", "\"grayscale\""),
        (":7:9", "\"blur\""),
        (":8:38", "\"gravity\""),
        (":9:26", "is no colour"),
    ] {
        let (_, here) = report.split_once(span).unwrap_or_else(|| panic!("{span}: {report}"));
        assert!(here.lines().take(6).any(|line| line.contains(words)), "{span}: {report}");
    }
}

#[test]
fn options_that_are_not_given_have_defaults() {
    let options: Pictures = from_value(json!({})).unwrap();
    assert_eq!(options, Pictures::default());
    assert_eq!(options.results["rl"].steps(), [Step::grayscale()]);
    assert_eq!((options.limits.pixels, options.limits.side), (50_000_000, 65_535));
    assert_eq!(options.prefix.as_str(), "rb_");

    let options: Pictures = from_value(json!({
        "results": {"small": [{"fit": [320, 320]}, {"jpeg": {"quality": 80}}]},
        "limits": {"pixels": 1000},
        "on_truncated": "reject",
        "folder": "pictures",
    }))
    .unwrap();
    assert_eq!(options.results["small"].steps().len(), 2);
    assert_eq!((options.limits.pixels, options.limits.side), (1000, 65_535));
    assert_eq!(options.on_truncated, OnTruncated::Reject);
}

#[test]
fn wrong_options_are_refused() {
    for value in [
        json!({"result": {}}),
        json!({"limits": {"pixels": 0}}),
        json!({"limits": {"side": 65_536}}),
        json!({"limits": {"sides": 1}}),
        json!({"on_truncated": "gray"}),
        json!({"prefix": ""}),
        json!({"prefix": "../"}),
        json!({"prefix": "."}),
    ] {
        assert!(from_value::<Pictures>(value.clone()).is_err(), "{value}");
    }
}

#[test]
fn a_pipeline_that_this_program_cannot_use_is_refused() {
    let pictures = |step| from_value::<Pictures>(json!({"results": {"rl": [step]}}));
    let lossy = pictures(json!({"webp": {"quality": 80}}));
    assert_eq!(lossy.is_ok(), cfg!(feature = "turbo"));
    let unread = pictures(json!({"watermark": {"file": "none.png"}})).unwrap();
    let unread = mistakes(&unread.results);
    assert!(matches!(&unread[..], [("rl", 0, why)] if why.contains("none.png: No such file")));
}
