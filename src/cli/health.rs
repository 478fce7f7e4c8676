//! `waterway health`: asks the service of a table whether it is ready, for containers.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::arguments::{Environment, Health};
use super::table::{Source, read};
use super::terminal::print;
use super::{App, Outcome};
use crate::config::Listen;

/// How long the service may take to answer. Containers ask every 30 s by default.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most of an answer that is read, in bytes.
const ANSWER_MAX: u64 = 64 << 10;

pub(super) fn health(app: &App, arguments: &Health) -> Outcome {
    let source = Source::to_serve(app, &arguments.file)?;
    let environment = Environment { allow_missing_env: true };
    let loaded = read(app, &source, environment)?;
    let config = &loaded.config;
    // Without the admin listener, any answer of the service says that it is alive.
    let (listen, path) = match &config.admin {
        Some(admin) => (&admin.listen, "/readyz"),
        None => (&config.server.listen, "/"),
    };
    let Some(listen) = listen.first() else { return Err("the table listens nowhere".to_owned()) };
    let failed = |error: io::Error| {
        let way_out = if loaded.diagnostics.is_empty() {
            format!("start it: {} serve {source}", app.name)
        } else {
            format!(
                "the table has mistakes, and may name another address: {} check {source}",
                app.name
            )
        };
        format!("no service answers at {listen}, where {source} listens: {error}\n{way_out}")
    };
    let answer = ask(listen, path).map_err(failed)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim());
    match (status, &config.admin) {
        (Some(200), Some(_)) => print(&format!("{body}\n")),
        (Some(status), Some(_)) => return Err(format!("not ready ({status}): {body}")),
        (Some(_), None) => print("alive\n"),
        (None, _) => return Err(format!("{listen} does not speak HTTP")),
    }
    Ok(())
}

/// Sends a request, and reads the answer until the service ends the connection.
fn ask(listen: &Listen, path: &str) -> io::Result<String> {
    match listen {
        Listen::Unix(socket) => {
            let stream = UnixStream::connect(socket)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream, path)
        }
        Listen::Tcp { host, port } => {
            let here = reached(host);
            let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
            for address in (here.as_str(), *port).to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, PATIENCE) {
                    Ok(stream) => {
                        stream.set_read_timeout(Some(PATIENCE))?;
                        stream.set_write_timeout(Some(PATIENCE))?;
                        return exchange(stream, path);
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

fn exchange(mut stream: impl Read + Write, path: &str) -> io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
