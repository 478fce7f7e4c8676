//! Where log lines go and how they look.

use tracing_subscriber::EnvFilter;

use super::arguments::LogForm;

/// Starts the log on standard error; `RUST_LOG` says how much of it there is.
pub(super) fn start(form: LogForm) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours are for terminals.
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    match form {
        LogForm::Human => log.with_ansi(colours).with_target(false).init(),
        LogForm::Json => log.json().flatten_event(true).init(),
    }
}
