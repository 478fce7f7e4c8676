//! The harness of the black-box tests: a started service, clients for it, a browser, pictures and
//! Python.
//!
//! Every wait ends after [`PATIENCE`] with a panic that names the awaited event, so no test hangs.

// No test program uses all of a harness at all times.
#![allow(dead_code, unused_imports)]

mod browser;
#[cfg(feature = "s3")]
mod bucket;
mod client;
mod http;
mod log;
mod page;
mod photo;
mod python;
mod raw;
mod receiver;
#[cfg(feature = "redis")]
mod redis;
mod service;
mod worker;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use browser::{Browser, Screen};
#[cfg(feature = "s3")]
pub(crate) use bucket::Bucket;
pub(crate) use client::Client;
pub(crate) use http::{Answer, delete, get, post, request};
pub(crate) use log::Log;
pub(crate) use page::{Gate, Page, ends, flat, picture_table, worked_order};
pub(crate) use photo::{HEADER, binary_framing, photo, text_framing};
pub(crate) use python::{Peer, interpreter, python, python_command};
pub(crate) use raw::{
    BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, Raw, TEXT, begun, close_payload, frames, masked,
};
pub(crate) use receiver::{Posted, Receiver, Stream, answered};
#[cfg(feature = "redis")]
pub(crate) use redis::{Kind as RedisKind, Redis};
pub(crate) use service::{Service, program, through, waterway};
pub(crate) use worker::Worker;

/// How long the harness waits for anything: long, because machines that run tests are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    let consumers = Path::new(env!("CARGO_MANIFEST_DIR"));
    consumers.parent().expect("consumers is a folder of the repository").to_owned()
}
