//! A webhook that answers each event with the same text.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

/// Starts a webhook that sends this text; its URL. Its threads end with the program.
pub(crate) fn start(text: &str) -> String {
    let content = format!(r#"{{"actions":[{{"send":{{"text":"{text}"}}}}]}}"#);
    let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{content}", content.len());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            stream.set_nodelay(true).expect("a socket");
            let (mut stream, response) = (BufReader::new(stream), response.clone());
            thread::spawn(move || {
                while let Some(length) = head(&mut stream) {
                    let mut body = vec![0; length];
                    let read = stream.read_exact(&mut body);
                    if read.and_then(|()| stream.get_mut().write_all(response.as_bytes())).is_err()
                    {
                        break;
                    }
                }
            });
        }
    });
    url
}

/// Reads the head of a request; returns the length of its body.
fn head(stream: &mut impl BufRead) -> Option<usize> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        stream.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        match line.trim_end().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().ok()?,
            None if line == "\r\n" => return Some(length),
            _ => {}
        }
    }
}
