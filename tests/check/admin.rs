//! Reports on `[admin]`.

use super::reported;

#[test]
fn an_admin_listener_that_others_can_use_is_warned_of() {
    let short = "the token has 5 bytes, and can be guessed | make one with `openssl rand -hex 16`";
    let open = "anyone who reaches 0.0.0.0:8001 can send to all clients | write token = \"${ADMIN}\", \
                or listen at 127.0.0.1";
    for (admin, said) in [
        ("listen = '127.0.0.1:8001'", None),
        ("listen = 'unix:admin.sock'", None),
        ("listen = '0.0.0.0:8001'\ntoken = '0123456789abcdef'", None),
        ("listen = '0.0.0.0:8001'", Some(format!("2:10: warning: {open}"))),
        ("listen = '127.0.0.1:8001'\ntoken = 'abcde'", Some(format!("3:9: warning: {short}"))),
    ] {
        let (reported, sound) = reported(&format!("[admin]\n{admin}\n"));
        assert_eq!((reported, sound), (said.into_iter().collect(), true), "{admin}");
    }
    for (admin, said) in [
        ("token = 'x'", "1:1: missing key \"listen\""),
        ("listen = []", "2:10: expected a list of at least one, found none"),
        (
            "listen = '127.0.0.1:8001'\nconnections = 0",
            "3:15: a bound of zero lets nothing through",
        ),
        (
            "listen = '127.0.0.1:8001'\ntokn = 'x'",
            "3:1: unknown key \"tokn\" | did you mean \"token\"?",
        ),
        (
            "listen = '127.0.0.1:8001'\ntoken = 'two words, and more'",
            "3:9: the token cannot be sent: a header has visible characters of ASCII alone | make one \
             with `openssl rand -hex 16`",
        ),
    ] {
        let (reported, sound) = reported(&format!("[admin]\n{admin}\n"));
        assert!(!sound, "{admin}");
        assert_eq!(reported, [said], "{admin}");
    }
}
