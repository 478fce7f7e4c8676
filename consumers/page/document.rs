//! The page as one HTML document, assembled once from its files, and its Content-Security-Policy.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytestring::ByteString;
use http::HeaderValue;
use sha2::{Digest, Sha256};

/// The answer to `GET /`.
pub(super) static DOCUMENT: LazyLock<Document> = LazyLock::new(Document::assemble);

/// The page. It fetches only pictures.
pub(super) struct Document {
    /// The page's markup, with its style and its scripts in it.
    pub(super) html: ByteString,
    /// The value of `Content-Security-Policy`: it allows the page's own scripts and styles only.
    pub(super) policy: HeaderValue,
}

const MARKUP: &str = include_str!("index.html");

/// Each file that the markup refers to, in the markup's order: the reference, the file, and the
/// element that replaces the reference.
const PARTS: [Part; 6] = [
    Part::style(r#"<link rel="stylesheet" href="page.css">"#, include_str!("page.css")),
    Part::script(r#"<script src="bounds.js"></script>"#, include_str!("bounds.js")),
    Part::script(r#"<script src="tiles.js"></script>"#, include_str!("tiles.js")),
    Part::script(r#"<script src="socket.js"></script>"#, include_str!("socket.js")),
    Part::script(r#"<script src="progress.js"></script>"#, include_str!("progress.js")),
    Part::script(r#"<script src="page.js"></script>"#, include_str!("page.js")),
];

struct Part {
    reference: &'static str,
    element: &'static str,
    file: &'static str,
}

impl Part {
    const fn style(reference: &'static str, file: &'static str) -> Self {
        Self { reference, element: "style", file }
    }

    const fn script(reference: &'static str, file: &'static str) -> Self {
        Self { reference, element: "script", file }
    }

    /// The name of this part in a policy (Content Security Policy Level 3, section 2.3.1).
    fn source(&self) -> String {
        format!("'sha256-{}'", STANDARD.encode(Sha256::digest(self.file)))
    }
}

impl Document {
    fn assemble() -> Self {
        let html = PARTS.iter().fold(MARKUP.to_owned(), |html, part| {
            let Part { reference, element, file } = part;
            html.replacen(reference, &format!("<{element}>{file}</{element}>"), 1)
        });
        let sources = |element| {
            let parts = PARTS.iter().filter(|part| part.element == element);
            parts.map(Part::source).collect::<Vec<_>>().join(" ")
        };
        // The service decides where pictures are; see `public_url`.
        let policy = format!(
            "default-src 'none'; script-src {}; style-src {}; img-src * data: blob:; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            sources("script"),
            sources("style"),
        );
        let policy = HeaderValue::try_from(policy).expect("names and base64 are visible ASCII");
        Self { html: html.into(), policy }
    }
}

#[cfg(test)]
mod tests {
    use super::{DOCUMENT, MARKUP, PARTS};

    #[test]
    fn the_document_needs_no_other_file() {
        for part in &PARTS {
            assert_eq!(MARKUP.matches(part.reference).count(), 1, "{}", part.reference);
            assert!(DOCUMENT.html.contains(part.file), "{}", part.reference);
        }
        for reference in ["<link rel=\"stylesheet\"", "<script src"] {
            assert!(!DOCUMENT.html.contains(reference), "{reference} is left");
        }
    }

    #[test]
    fn no_part_ends_its_own_element() {
        for part in &PARTS {
            let end = format!("</{}", part.element);
            assert!(!part.file.to_ascii_lowercase().contains(&end), "{}", part.reference);
        }
    }

    #[test]
    fn the_policy_names_every_part_and_nothing_may_be_inline_besides() {
        let policy = DOCUMENT.policy.to_str().unwrap();
        for part in &PARTS {
            assert!(policy.contains(&part.source()), "{}", part.reference);
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        for inline in [" style=\"", " onclick=", " onload=", "javascript:"] {
            assert!(!MARKUP.contains(inline), "the policy forbids{inline} in the markup");
        }
    }
}
