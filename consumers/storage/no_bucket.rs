//! Stands in for buckets in a program without the feature `s3`.

use std::convert::Infallible;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use waterway::Error;
use waterway::queue::{TransitFuture, TransitStore};

use super::bucket_options::S3;

/// A bucket, which cannot exist.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket(Infallible);

/// An object, which cannot exist either.
pub(crate) struct Object {
    pub(crate) length: u64,
    pub(crate) etag: String,
    pub(crate) modified: SystemTime,
    pub(crate) kind: Option<&'static str>,
}

impl Bucket {
    pub(crate) const PASSED_ON_MAX: u64 = 0;

    pub(super) fn new(_: S3) -> Result<Self, String> {
        Err("this program was built without S3\nbuild it with: cargo build --release --features s3"
            .into())
    }

    pub(super) async fn keep(&self, _: &str, _: &[u8]) -> Result<(), Error> {
        match self.0 {}
    }

    pub(super) fn forget(&self, _: String) {
        match self.0 {}
    }

    pub(crate) async fn presigned(&self, _: &str, _: Duration) -> Result<String, Error> {
        match self.0 {}
    }

    pub(crate) async fn find(&self, _: &str) -> Result<Option<Object>, Error> {
        match self.0 {}
    }

    pub(crate) async fn read(&self, _: &str, _: Range<u64>) -> Result<Bytes, Error> {
        match self.0 {}
    }
}

impl TransitStore for Bucket {
    fn place(&self) -> String {
        match self.0 {}
    }

    fn put<'a>(&'a self, _: &'a str, _: Bytes) -> TransitFuture<'a, ()> {
        match self.0 {}
    }

    fn get<'a>(&'a self, _: &'a str, _: u64) -> TransitFuture<'a, Option<Bytes>> {
        match self.0 {}
    }

    fn remove<'a>(&'a self, _: &'a str) -> TransitFuture<'a, ()> {
        match self.0 {}
    }

    fn names(&self, _: usize) -> TransitFuture<'_, Vec<String>> {
        match self.0 {}
    }
}
