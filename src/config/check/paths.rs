//! Finds segments in the syntax of other routers, which are fixed text here, not parameters or
//! patterns.

use percent_encoding::percent_decode_str;

use crate::config::route::RouteConfig;
use crate::setting::Diagnostic;

/// Warns of the first such segment of a route's path.
pub(super) fn check(route: &RouteConfig, warnings: &mut Vec<Diagnostic>) {
    let Some(path) = &route.path else { return };
    let Some((part, help)) = path.as_str().split('/').find_map(|part| Some((part, help(part)?)))
    else {
        return;
    };
    let message = format!("{part:?} is fixed text, not a parameter");
    warnings.push(Diagnostic::new(path.span, message).help(help));
}

/// The help, if the segment is in the syntax of another router.
fn help(part: &str) -> Option<String> {
    let parameter = |name: &str| {
        let name: String = name.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
        let name = if name.is_empty() { "name" } else { &name };
        Some(format!("write {{{name}}} for one part of the path"))
    };
    if let Some(name) = part.strip_prefix(':') {
        return parameter(name);
    }
    if let Some(inner) = part.strip_prefix('<').and_then(|part| part.strip_suffix('>')) {
        return parameter(inner.rsplit(':').next().unwrap_or(inner));
    }
    if part.starts_with('*') {
        return Some("write {*rest} at the end for the rest of the path".into());
    }
    if is_regular_expression(part) {
        return Some("a path is not a regular expression: write {name} for one part of it".into());
    }
    let decoded = percent_decode_str(part).decode_utf8().ok()?;
    (decoded != part)
        .then(|| format!("paths are decoded before they are compared: write {decoded:?}"))
}

fn is_regular_expression(part: &str) -> bool {
    part.starts_with('^')
        || part.ends_with('$')
        || ["(?P<", "\\w", "\\d", "[^"].iter().any(|sign| part.contains(sign))
}
