//! A webhook of the test's own: an HTTP server that answers as the test says, byte by byte.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use super::PATIENCE;

/// A request that a webhook got.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    /// Its first line.
    pub(crate) line: String,
    /// Its headers, with names in small letters.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Posted {
    /// The event.
    pub(crate) fn event(&self) -> Value {
        serde_json::from_slice(&self.body).expect("an event is JSON")
    }
}

/// A webhook. Its threads end with the test program.
pub(crate) struct Receiver {
    address: SocketAddr,
    scheme: &'static str,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<Posted>>>,
}

/// The pause between two looks at the requests.
const POLL: Duration = Duration::from_millis(5);

/// Both ends of a connection. Reading is for waiting until the other side closes it.
pub(crate) trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

impl Receiver {
    /// Answers each request with what `answer` writes. If it returns false, the connection is closed.
    pub(crate) fn start(
        answer: impl Fn(&Posted, &mut dyn Stream) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(None, answer)
    }

    /// As [`start`](Self::start), over TLS with a certificate of `tests/webhook`.
    pub(crate) fn start_tls(
        certificate: &str,
        answer: impl Fn(&Posted, &mut dyn Stream) -> bool + Send + Sync + 'static,
    ) -> Self {
        let folder = super::root().join("tests/webhook");
        let certificates = CertificateDer::pem_file_iter(folder.join(certificate)).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
        let provider = Arc::new(rustls_graviola::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(certificates.map(Result::unwrap).collect(), key)
            .unwrap();
        Self::start_with(Some(Arc::new(config)), answer)
    }

    fn start_with(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Posted, &mut dyn Stream) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (connections, requests, answer) =
            (Arc::new(AtomicUsize::new(0)), Arc::<Mutex<Vec<Posted>>>::default(), Arc::new(answer));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let receiver = Self {
            address,
            scheme,
            connections: Arc::clone(&connections),
            requests: Arc::clone(&requests),
        };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (tls, requests, answer) =
                    (tls.clone(), Arc::clone(&requests), Arc::clone(&answer));
                thread::spawn(move || {
                    let _ = stream.set_nodelay(true);
                    match tls {
                        None => serve(stream, &requests, &*answer),
                        Some(config) => {
                            let connection =
                                ServerConnection::new(config).expect("a configuration");
                            serve(StreamOwned::new(connection, stream), &requests, &*answer);
                        }
                    }
                });
            }
        });
        receiver
    }

    /// Always the same answer.
    pub(crate) fn answering(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::start(move |_, stream| stream.write_all(&response).is_ok())
    }

    /// Its URL at `127.0.0.1`.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}/events?key=word", self.scheme, self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections were opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until it has got this many requests.
    pub(crate) fn wait_for(&self, requests: usize) {
        let begun = Instant::now();
        while self.requests.lock().unwrap().len() < requests {
            assert!(begun.elapsed() < PATIENCE, "{requests} requests do not come");
            thread::sleep(POLL);
        }
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Posted> {
        self.requests.lock().unwrap().clone()
    }
}

/// A response with this status and content.
pub(crate) fn answered(status: &str, content: &str) -> Vec<u8> {
    let length = content.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{content}"
    )
    .into_bytes()
}

fn serve<S: Read + Write>(
    stream: S,
    requests: &Mutex<Vec<Posted>>,
    answer: &dyn Fn(&Posted, &mut dyn Stream) -> bool,
) {
    let mut stream = BufReader::new(stream);
    while let Some(posted) = read(&mut stream) {
        requests.lock().unwrap().push(posted.clone());
        if !answer(&posted, stream.get_mut()) {
            return;
        }
    }
}

/// The next request; `None` at the end of the connection.
fn read(stream: &mut impl BufRead) -> Option<Posted> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
    let headers: HashMap<String, String> =
        headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Posted { line: lines[0].clone(), headers, body })
}
