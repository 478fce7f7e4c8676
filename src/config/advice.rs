//! Help for keys that waterway does not have, although many services do.

use crate::setting::Mistake;

const PROXY: &str = "waterway speaks plain HTTP: leave TLS to a proxy before it, \
                     as examples/behind-nginx.toml does";

const LISTEN: &str = "write it into listen, as in listen = \"127.0.0.1:8000\"";

const KEYS: [(&str, &str); 11] = [
    ("tls", PROXY),
    ("ssl", PROXY),
    ("https", PROXY),
    ("cert", PROXY),
    ("certificate", PROXY),
    ("tls_cert", PROXY),
    ("tls_key", PROXY),
    ("host", LISTEN),
    ("port", LISTEN),
    ("bind", LISTEN),
    ("address", LISTEN),
];

/// Shows this help in place of the nearest key, which would be an unrelated one.
pub(super) fn give(mistakes: &mut [Mistake]) {
    for mistake in mistakes {
        let unknown = |key: &str| mistake.message == format!("unknown key {key:?}");
        if let Some((_, help)) = KEYS.iter().find(|(key, _)| unknown(key)) {
            mistake.help = Some((*help).to_owned());
        }
    }
}
