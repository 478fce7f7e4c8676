//! The cryptography of connections over TLS.

use rustls::crypto::CryptoProvider;

use super::failure::Failure;

/// Makes sure that the process has the cryptography for TLS.
pub(super) fn provide() -> Result<(), Failure> {
    if CryptoProvider::get_default().is_some() {
        return Ok(());
    }
    if !able() {
        let message = "this processor lacks instructions that TLS needs here (x86_64: AES, \
                       PCLMULQDQ, AVX2, ADX and BMI2; aarch64: AES, PMULL and SHA2)";
        return Err(Failure::Away(message.to_owned()));
    }
    // Fails only if another thread has installed one meanwhile, which serves as well.
    let _ = rustls_graviola::default_provider().install_default();
    Ok(())
}

fn able() -> bool {
    #[cfg(target_arch = "x86_64")]
    let able = is_x86_feature_detected!("aes")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("adx")
        && is_x86_feature_detected!("bmi2");
    #[cfg(target_arch = "aarch64")]
    let able = std::arch::is_aarch64_feature_detected!("aes")
        && std::arch::is_aarch64_feature_detected!("pmull")
        && std::arch::is_aarch64_feature_detected!("sha2");
    able
}
