//! Opens connections to webhooks, to checked addresses only.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::rt::TokioIo;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tower_service::Service;
use waterway::Error;
use waterway::machine::can_do_tls;

use super::failure::Forbidden;
use super::reach::is_public;

/// Opens a TCP connection.
///
/// A host is looked up once for each connection. The connection goes to one of the addresses that
/// were found and checked, so a name that resolves to another address a moment later changes
/// nothing (DNS rebinding).
#[derive(Debug, Clone, Copy)]
pub(super) struct Connector {
    /// Whether the host may have an address that is not public.
    pub(super) reaches_private: bool,
}

/// The longest that connecting to one address may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most addresses of a host that are tried.
const ADDRESSES_MAX: usize = 8;

type Opening = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, Failed>> + Send>>;
type Failed = Box<dyn StdError + Send + Sync>;

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Failed;
    type Future = Opening;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Opening {
        let connector = *self;
        Box::pin(async move {
            let host = uri.host().unwrap_or_default();
            let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
            let port =
                uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
            let stream = connector.open(host, port).await?;
            Ok(TokioIo::new(stream))
        })
    }
}

impl Connector {
    async fn open(self, host: &str, port: u16) -> Result<TcpStream, Failed> {
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in self.addresses(host, port).await? {
            match timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Otherwise small events would wait for the acknowledgement of others.
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Ok(Err(error)) => failed = error,
                Err(_) => failed = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(failed.into())
    }

    /// The addresses that events may be sent to.
    async fn addresses(self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Failed> {
        let (allowed, others): (Vec<SocketAddr>, Vec<_>) = lookup_host((host, port))
            .await?
            .partition(|address| self.reaches_private || is_public(address.ip()));
        match others.first() {
            Some(address) if allowed.is_empty() => {
                let (host, address) = (host.to_owned(), address.ip().to_string());
                Err(Forbidden { host, address }.into())
            }
            _ => Ok(allowed.into_iter().take(ADDRESSES_MAX).collect()),
        }
    }

    /// With TLS for `https`. The system's root certificates are read if `secure`.
    ///
    /// # Errors
    /// If `secure`, and the system lacks root certificates or the processor cannot do TLS.
    pub(super) async fn with_tls(self, secure: bool) -> Result<HttpsConnector<Self>, Error> {
        let roots = if secure { roots().await? } else { RootCertStore::empty() };
        let config = ClientConfig::builder_with_provider(Arc::new(cryptography(secure)?))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let builder = HttpsConnectorBuilder::new().with_tls_config(config);
        Ok(builder.https_or_http().enable_http1().wrap_connector(self))
    }
}

/// The root certificates of the system, or of the file that `SSL_CERT_FILE` names.
async fn roots() -> Result<RootCertStore, Error> {
    let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(Error::failed(format!(
            "no root certificate was found, so no https host can be trusted; install \
             ca-certificates or set SSL_CERT_FILE. {}",
            errors.join("; ")
        )));
    }
    Ok(roots)
}

/// Graviola, or with the feature `s3` another one on processors that cannot do it.
#[cfg_attr(
    feature = "s3",
    expect(clippy::unnecessary_wraps, reason = "ring needs no instructions")
)]
fn cryptography(needed: bool) -> Result<CryptoProvider, Error> {
    match can_do_tls() {
        #[cfg(feature = "s3")]
        Err(_) if needed => Ok(rustls::crypto::ring::default_provider()),
        #[cfg(not(feature = "s3"))]
        Err(lacks) if needed => {
            Err(Error::failed(format!("{lacks}; a build with the feature s3 needs none of them")))
        }
        _ => Ok(rustls_graviola::default_provider()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `localhost` is an example of a name that resolves to an address inside the network.
    #[tokio::test]
    async fn a_name_leads_to_an_address_that_is_not_public_only_if_the_table_names_it() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["localhost", "127.0.0.1"] {
            let refused = Connector { reaches_private: false }.open(host, port).await.unwrap_err();
            let refused = refused.downcast::<Forbidden>().unwrap();
            assert_eq!(refused.host, host);
            Connector { reaches_private: true }.open("127.0.0.1", port).await.unwrap();
        }
    }
}
