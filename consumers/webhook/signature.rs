//! Signatures of events, by the scheme of Standard Webhooks 1.0.0.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use waterway::config::Secret;

/// The key `secret` of a webhook: `whsec_` and base64, as Standard Webhooks writes it, or any other
/// text, whose bytes are the key.
#[derive(Clone)]
pub struct SigningKey {
    secret: Secret,
    /// HMAC that has read the key.
    keyed: Hmac<Sha256>,
}

impl SigningKey {
    /// Bytes of the shortest key that cannot be guessed (Standard Webhooks, *Signature scheme*).
    pub(crate) const SAFE: usize = 24;

    const PREFIX: &str = "whsec_";

    /// Bytes of the key.
    pub(crate) fn len(&self) -> usize {
        bytes(&self.secret).map_or(0, |bytes| bytes.len())
    }

    /// The signature of an event with this id, sent at this second since 1970: `v1,…`.
    pub(super) fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let mut keyed = self.keyed.clone();
        keyed.update(id.as_bytes());
        keyed.update(format!(".{timestamp}.").as_bytes());
        keyed.update(body);
        format!("v1,{}", STANDARD.encode(keyed.finalize().into_bytes()))
    }
}

/// The bytes of a key.
fn bytes(secret: &Secret) -> Result<Vec<u8>, &'static str> {
    let text = secret.expose();
    let Some(encoded) = text.strip_prefix(SigningKey::PREFIX) else {
        return Ok(text.as_bytes().to_vec());
    };
    match STANDARD.decode(encoded) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err("after whsec_ a secret is base64, with its = at the end\n\
                  make one: echo whsec_$(openssl rand -base64 32)"),
    }
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        self.secret == other.secret
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.secret.fmt(f)
    }
}

impl FromStr for SigningKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let secret: Secret = text.parse()?;
        let keyed = Hmac::new_from_slice(&bytes(&secret)?).map_err(|_| "the secret is too long")?;
        Ok(Self { secret, keyed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<SigningKey, &'static str> {
        text.parse()
    }

    /// The vector of the scheme's own libraries.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(key.len(), SigningKey::SAFE);
    }

    #[test]
    fn any_other_text_is_the_key_itself() {
        // "0123456789abcdef01234567" in base64.
        let encoded = key("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3").unwrap();
        let plain = key("0123456789abcdef01234567").unwrap();
        assert_eq!(plain.sign("e1", 1, b"{}"), encoded.sign("e1", 1, b"{}"));
        assert_ne!(plain.sign("e1", 1, b"{}"), plain.sign("e1", 2, b"{}"));
        assert_ne!(plain.sign("e1", 1, b"{}"), plain.sign("e2", 1, b"{}"));
    }

    #[test]
    fn a_wrong_secret_is_a_mistake_that_does_not_show_it() {
        for text in ["", "whsec_", "whsec_ä", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"] {
            let mistake = key(text).unwrap_err();
            assert!(mistake.contains('\n') && (text.len() < 7 || !mistake.contains(text)));
        }
        assert_eq!(format!("{:?}", key("whsec_MDEy").unwrap()), "Secret(…)");
    }
}
