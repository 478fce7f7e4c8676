//! Help for keys that many services have and waterway does not, or that it has in another form.

use crate::setting::Diagnostic;

const PROXY: &str = "waterway speaks plain HTTP: leave TLS to a proxy in front of it, \
                     as examples/behind-nginx.toml does";

const LISTEN: &str = "write it into listen, for example listen = \"127.0.0.1:8000\"";

const KEYS: [(&str, &str); 15] = [
    ("routes", "write [[route]] for each route"),
    ("tests", "write [[test]] for each test"),
    ("consumers", "write [consumer.NAME] for each consumer"),
    ("queues", "write [queue.NAME] for each queue"),
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

/// Gives this help in place of the nearest key, which would be unrelated.
pub(super) fn give(diagnostics: &mut [Diagnostic]) {
    for diagnostic in diagnostics {
        let unknown = |key: &str| diagnostic.message == format!("unknown key {key:?}");
        if let Some((_, help)) = KEYS.iter().find(|(key, _)| unknown(key)) {
            diagnostic.help = Some((*help).to_owned());
        }
    }
}
