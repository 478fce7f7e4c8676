//! Tests of `[log]`.

use super::*;

#[test]
fn a_log_has_defaults_within_its_bounds() {
    let Loaded { config, diagnostics, .. } = parse("");
    assert_eq!(diagnostics, []);
    let LogConfig { buffer, value, rate, summary, flush } = config.log;
    assert_eq!((buffer, value), (Size::new(1 << 20), Size::new(256)));
    assert_eq!(rate, "100/s".parse().unwrap());
    assert_eq!((summary, flush), (Time::from_secs(10), Time::from_secs(1)));
    let bounds = "[log]\nbuffer = \"4KiB\"\nvalue = \"64KiB\"\nrate = \"off\"\nflush = \"0s\"\n";
    check(bounds, &[]);
}

#[test]
fn a_log_refuses_what_makes_no_sense() {
    for (line, reported) in [
        ("buffer = \"4095B\"", "2:10: 4095B is out of bounds | write \"4KiB\" to \"1GiB\""),
        ("buffer = \"2GiB\"", "2:10: 2GiB is out of bounds | write \"4KiB\" to \"1GiB\""),
        ("value = \"63B\"", "2:9: 63B is out of bounds | write \"64B\" to \"64KiB\""),
        ("rate = \"0/s\"", "2:8: \"0/s\" allows nothing | write \"off\" for no limit"),
        ("summary = \"0s\"", "2:11: a bound of zero lets nothing through"),
        ("flush = \"61s\"", "2:9: 61s is too long | write \"1m\" at most"),
    ] {
        check(&format!("[log]\n{line}\n"), &[reported]);
    }
}
