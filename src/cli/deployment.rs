//! Deployments to start from: what `new` writes.

/// A deployment to start from, which `new DIR --template NAME` writes into a folder. It runs as it
/// is.
///
/// ```
/// use waterway::Registry;
/// use waterway::cli::{App, Deployment};
///
/// let echo = Deployment {
///     name: "echo",
///     about: "a socket that sends every message back",
///     files: &[("routing.toml", "[[route]]\nchannel = 'websocket.*'\nconsumer = 'echo'\n")],
/// };
/// let app = App::new(Registry::new()).deployment(echo);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Deployment {
    /// Its name, for `--template`.
    pub name: &'static str,
    /// Its description, as the end of the sentence "it is …".
    pub about: &'static str,
    /// Its files: their paths in the folder, and their contents. `@name@` in both becomes the
    /// folder's name. `new` adds the JSON schema of the table, `routing.schema.json`.
    pub files: &'static [(&'static str, &'static str)],
}
