//! Connects to a webhook, for `check --start`. No event is sent.

use tokio::time::timeout;
use tower_service::Service;
use waterway::Error;

use super::connector::Connector;
use super::failure::Failure;
use super::options::WebhookOptions;

/// Looks the host of a webhook up and connects to it, with TLS for `https`. Returns a sentence about
/// it.
///
/// # Errors
/// Why it cannot be reached. The cause has a second line, with the way out.
pub(super) async fn connect(options: &WebhookOptions) -> Result<String, Error> {
    let endpoint = &options.http;
    let connector = Connector { reaches_private: options.names_host() };
    let mut connector = connector.with_tls(endpoint.is_https()).await?;
    let connecting = timeout(options.timeout.duration(), connector.call(endpoint.uri().clone()));
    let failure = match connecting.await {
        Ok(Ok(_)) => return Ok(format!("{endpoint} accepts connections")),
        Ok(Err(error)) => Failure::of(error, false),
        Err(_) => Failure::Slow(options.timeout),
    };
    let help = match failure {
        Failure::Certificate(_) => {
            "let the endpoint show a certificate for this host, or name its authority: \
             SSL_CERT_FILE=FILE"
        }
        Failure::Forbidden(_) => "events go to public addresses only",
        _ => "start the endpoint, or correct the URL",
    };
    Err(Error::failed(format!("the webhook at {endpoint} {failure}\n{help}")))
}
