//! The cryptography of connections over TLS.

use rustls::crypto::CryptoProvider;

use super::failure::Failure;
use crate::machine::can_do_tls;

/// Makes sure that the process has the cryptography for TLS.
pub(super) fn provide() -> Result<(), Failure> {
    if CryptoProvider::get_default().is_some() {
        return Ok(());
    }
    can_do_tls().map_err(|message| Failure::Away(message.to_owned()))?;
    // Fails only if another thread has installed one meanwhile, which serves as well.
    let _ = rustls_graviola::default_provider().install_default();
    Ok(())
}
