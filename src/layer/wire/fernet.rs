//! Fernet, the encryption of messages: AES-128-CBC and HMAC-SHA256 (the specification of Fernet,
//! version 0x80). The crate `fernet` has a licence that `deny.toml` refuses.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// One key.
#[derive(Clone)]
pub(crate) struct Fernet {
    signing: [u8; 16],
    encryption: [u8; 16],
}

const VERSION: u8 = 0x80;
const TIME_AT: usize = 1;
const IV_AT: usize = 9;
const TEXT_AT: usize = 25;
const SIGNATURE: usize = 32;

/// How far the clock of the sender may be ahead.
const SKEW: Duration = Duration::from_secs(60);

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Fernet {
    /// The key that `channels_redis` makes of an entry of `symmetric_encryption_keys`.
    pub(crate) fn from_secret(secret: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let (mut signing, mut encryption) = ([0; 16], [0; 16]);
        signing.copy_from_slice(&digest[..16]);
        encryption.copy_from_slice(&digest[16..]);
        Self { signing, encryption }
    }

    /// Encrypts a message.
    pub(crate) fn encrypt(&self, message: &[u8]) -> Vec<u8> {
        self.encrypt_at(message, SystemTime::now(), super::serializer::random())
    }

    fn encrypt_at(&self, message: &[u8], now: SystemTime, iv: [u8; 16]) -> Vec<u8> {
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut token = vec![VERSION];
        token.extend(seconds.to_be_bytes());
        token.extend(iv);
        let cipher = cbc::Encryptor::<Aes128>::new(&self.encryption.into(), &iv.into());
        token.extend(cipher.encrypt_padded_vec_mut::<Pkcs7>(message));
        let signature = self.signature(&token).finalize().into_bytes();
        token.extend(signature);
        BASE64.encode(token).into_bytes()
    }

    /// Decrypts a message that is at most `lifetime` old; `None` if it is older, or of another key.
    pub(crate) fn decrypt(&self, token: &[u8], lifetime: Option<Duration>) -> Option<Vec<u8>> {
        self.decrypt_at(token, lifetime, SystemTime::now())
    }

    fn decrypt_at(
        &self,
        token: &[u8],
        lifetime: Option<Duration>,
        now: SystemTime,
    ) -> Option<Vec<u8>> {
        let token = BASE64.decode(token).ok()?;
        if token.first() != Some(&VERSION) || token.len() < TEXT_AT + SIGNATURE {
            return None;
        }
        let (signed, signature) = token.split_at(token.len() - SIGNATURE);
        // In constant time.
        self.signature(signed).verify_slice(signature).ok()?;
        if let Some(lifetime) = lifetime {
            let seconds = u64::from_be_bytes(signed[TIME_AT..IV_AT].try_into().ok()?);
            let sent = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
            if sent + lifetime < now || now + SKEW < sent {
                return None;
            }
        }
        let iv: [u8; 16] = signed[IV_AT..TEXT_AT].try_into().ok()?;
        let cipher = cbc::Decryptor::<Aes128>::new(&self.encryption.into(), &iv.into());
        cipher.decrypt_padded_vec_mut::<Pkcs7>(&signed[TEXT_AT..]).ok()
    }

    fn signature(&self, signed: &[u8]) -> Hmac<Sha256> {
        // HMAC takes a key of any length (RFC 2104, section 2).
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.signing)
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(signed);
        mac
    }
}

impl fmt::Debug for Fernet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fernet(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the specification of Fernet, `generate.json`, with its own key.
    #[test]
    fn a_token_is_that_of_the_specification() {
        let key = BASE64.decode("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=").unwrap();
        let fernet = Fernet {
            signing: key[..16].try_into().unwrap(),
            encryption: key[16..].try_into().unwrap(),
        };
        let now = UNIX_EPOCH + Duration::from_secs(499_162_800);
        let iv = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let token = fernet.encrypt_at(b"hello", now, iv);
        let specified = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJo\
                         bwOz7JcbmrR64jVmpU4IwqDA==";
        assert_eq!(String::from_utf8(token.clone()).unwrap(), specified);
        let minute = Some(Duration::from_secs(60));
        for (at, lifetime, is_read) in
            [(now, None, true), (now + Duration::from_secs(60), minute, true)].into_iter().chain([
                (now + Duration::from_secs(61), minute, false),
                (now - Duration::from_secs(60), minute, true),
                (now - Duration::from_secs(61), minute, false),
            ])
        {
            let read = fernet.decrypt_at(&token, lifetime, at);
            assert_eq!(read.as_deref(), is_read.then_some(b"hello".as_slice()), "{at:?}");
        }
    }

    #[test]
    fn a_token_that_was_changed_or_is_of_another_key_is_not_read() {
        let (one, other) = (Fernet::from_secret("one"), Fernet::from_secret("other"));
        let token = one.encrypt(b"a message of more than one block of sixteen bytes");
        assert!(one.decrypt(&token, None).is_some());
        assert!(other.decrypt(&token, None).is_none());
        for at in 0..token.len() {
            let mut changed = token.clone();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            // The last digit before the padding has bits that mean nothing.
            let means = BASE64.decode(&changed).ok() != BASE64.decode(&token).ok();
            assert!(!means || one.decrypt(&changed, None).is_none(), "byte {at}");
        }
        let digits = token.iter().filter(|byte| **byte != b'=').count();
        for length in 0..digits {
            assert!(one.decrypt(&token[..length], None).is_none(), "{length} bytes");
        }
    }
}
