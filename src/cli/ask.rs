//! Asks a service over HTTP, for commands.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::config::Listen;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// `None` if it is not HTTP.
    pub(super) status: Option<u16>,
    pub(super) body: String,
}

/// How long the service may take to answer. Containers ask for its health every 30 s by default.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most of an answer that is read, in bytes.
const ANSWER_MAX: u64 = 1 << 20;

/// Sends a GET request, and reads the answer until the service ends the connection. `token` is that
/// of the admin listener.
pub(super) fn ask(listen: &Listen, path: &str, token: Option<&str>) -> io::Result<Answer> {
    match listen {
        Listen::Unix(socket) => {
            let stream = UnixStream::connect(socket)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream, path, token)
        }
        Listen::Tcp { host, port } => {
            let here = reached(host);
            let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
            for address in (here.as_str(), *port).to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, PATIENCE) {
                    Ok(stream) => {
                        stream.set_read_timeout(Some(PATIENCE))?;
                        stream.set_write_timeout(Some(PATIENCE))?;
                        return exchange(stream, path, token);
                    }
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        }
    }
}

/// The host by which this machine reaches a listener: that of this machine, for a listener at all
/// addresses.
fn reached(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        Ok(IpAddr::V6(ip)) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.to_string(),
        _ => host.to_owned(),
    }
}

fn exchange(mut stream: impl Read + Write, path: &str, token: Option<&str>) -> io::Result<Answer> {
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = "host: localhost\r\nconnection: close\r\n";
    let request = format!("GET {path} HTTP/1.1\r\n{head}{token}\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim()).to_owned();
    Ok(Answer { status, body })
}
