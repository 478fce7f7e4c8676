//! An S3 server that checks signatures, in this process, with its objects in a folder.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use object_store::aws::AmazonS3Builder;
use object_store::{Attribute, Attributes, ObjectStore, PutOptions};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};

use super::PATIENCE;

/// A server with one bucket, `pictures`, on a free port; it ends when dropped.
pub(crate) struct Bucket {
    folder: TempDir,
    address: SocketAddr,
    /// It has threads of its own, because the test's threads may block. `None` while it is down.
    running: Option<Runtime>,
}

impl Bucket {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        fs::create_dir(folder.path().join("pictures")).expect("the folder is writable");
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut bucket = Self { folder, address, running: None };
        bucket.start_again();
        bucket
    }

    /// Ends the server and every connection to it.
    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown_background();
        }
    }

    /// Starts the server where it was.
    pub(crate) fn start_again(&mut self) {
        let began = Instant::now();
        let listener = loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        self.address = listener.local_addr().expect("it listens");
        listener.set_nonblocking(true).expect("a socket");
        let mut service = S3ServiceBuilder::new(FileSystem::new(self.folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single("access", "secret"));
        let service = service.build();
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread");
        runtime.spawn(accept(listener, service));
        self.running = Some(runtime);
    }

    /// `http://…`
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The option `storage` for this bucket, and further options of `[consumer.NAME]`.
    pub(crate) fn storage(&self, more: &str) -> String {
        format!("storage = {}\n{more}", self.place())
    }

    /// The key `store` of `[layer]` for this bucket.
    pub(crate) fn store(&self) -> String {
        format!("store = {}", self.place())
    }

    fn place(&self) -> String {
        format!(
            "{{ s3 = {{ bucket = 'pictures', endpoint = '{}', access_key = 'access', \
             secret_key = 'secret', prefix = 'made/', timeout = '2s', retries = 1 }} }}",
            self.endpoint(),
        )
    }

    /// Puts an object with this declared type into the bucket.
    pub(crate) async fn put(&self, name: &str, kind: &'static str, bytes: &'static [u8]) {
        // Fails if a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bucket = AmazonS3Builder::new()
            .with_endpoint(self.endpoint())
            .with_allow_http(true)
            .with_bucket_name("pictures")
            .with_access_key_id("access")
            .with_secret_access_key("secret")
            .build()
            .expect("a bucket");
        let attributes = Attributes::from_iter([(Attribute::ContentType, kind)]);
        let options = PutOptions { attributes, ..PutOptions::default() };
        let path = format!("made/{name}").into();
        bucket.put_opts(&path, bytes.into(), options).await.expect("the bucket is writable");
    }

    /// The bytes of an object.
    pub(crate) fn object(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join("pictures/made").join(name)).expect("the object exists")
    }

    /// The names of the objects, sorted, without their prefix.
    pub(crate) fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("pictures/made")) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.expect("the entry is readable").file_name());
        let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Waits until the bucket is empty.
    pub(crate) async fn wait_until_empty(&self) {
        let began = Instant::now();
        while !self.names().is_empty() {
            assert!(began.elapsed() < PATIENCE, "{:?} stay", self.names());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept(listener: TcpListener, service: S3Service) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
    while let Ok((socket, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            // The client reports connections that break.
            let _ = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}
