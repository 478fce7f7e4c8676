//! Listeners, at which clients connect: TCP or a unix socket.

use std::io;
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::stream::Stream;

/// One address at which the server listens.
#[derive(Debug)]
pub enum Listener {
    /// TCP, with `TCP_NODELAY` for every connection: Nagle's algorithm delays replies by 40 ms.
    Tcp(TcpListener),
    /// A unix socket. When the listener is dropped, it removes the socket's file, unless another file
    /// has taken its place.
    Unix(UnixSocket),
}

/// All addresses at which the server listens.
#[derive(Debug)]
pub struct Listeners(pub Vec<Listener>);

/// A unix socket and its file.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    file: Identity,
}

/// Identifies a file by its device and its inode. No other file gets the same pair while this one
/// is open.
#[derive(Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Listener {
    /// Listens at `IP:port`, `name:port` or `unix:PATH`.
    ///
    /// # Errors
    /// Those of the system, such as an address in use.
    pub async fn bind(at: &str) -> io::Result<Self> {
        match at.strip_prefix("unix:") {
            Some(path) => UnixSocket::bind(Path::new(path)).await.map(Self::Unix),
            None => TcpListener::bind(at).await.map(Self::Tcp),
        }
    }

    /// The address in readable form: a URL, or `unix:PATH`.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => format!("http://{address}"),
                Err(error) => error.to_string(),
            },
            Self::Unix(socket) => format!("unix:{}", socket.path.display()),
        }
    }

    pub(super) async fn accept(&self) -> io::Result<(Stream, Option<IpAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((stream.into(), Some(address.ip().to_canonical())))
            }
            Self::Unix(socket) => {
                let (stream, _) = socket.listener.accept().await?;
                Ok((stream.into(), None))
            }
        }
    }
}

impl UnixSocket {
    /// Replaces the file of a socket that is left over from a crash, to which no process listens. A
    /// file of any other kind is refused as an address in use, although it refuses connections too.
    async fn bind(path: &Path) -> io::Result<Self> {
        let is_socket =
            std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
        let left_over = is_socket
            && matches!(
                UnixStream::connect(path).await,
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused
            );
        if left_over {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        Ok(Self { listener, path: path.to_owned(), file: Identity::of(path)? })
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        if Identity::of(&self.path).is_ok_and(|found| found == self.file) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let found = std::fs::symlink_metadata(path)?;
        Ok(Self(found.dev(), found.ino()))
    }
}

impl From<TcpListener> for Listeners {
    fn from(listener: TcpListener) -> Self {
        Self(vec![Listener::Tcp(listener)])
    }
}

impl From<Listener> for Listeners {
    fn from(listener: Listener) -> Self {
        Self(vec![listener])
    }
}

impl From<Vec<Listener>> for Listeners {
    fn from(listeners: Vec<Listener>) -> Self {
        Self(listeners)
    }
}

/// Whether an error of accepting concerns only one client, which has already gone.
pub(super) fn is_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::InvalidInput
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;

    use super::Listener;

    #[tokio::test]
    async fn a_left_over_socket_is_replaced_and_no_other_file_is() {
        let folder = std::env::temp_dir().join(uuid::Uuid::new_v4().to_string());
        fs::create_dir(&folder).unwrap();

        let left_over = folder.join("left-over.sock");
        // The standard library's listener leaves its file behind, like a crash.
        drop(std::os::unix::net::UnixListener::bind(&left_over).unwrap());
        let listener = Listener::bind(&format!("unix:{}", left_over.display())).await.unwrap();
        let taken = Listener::bind(&format!("unix:{}", left_over.display())).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        drop(listener);
        assert!(!left_over.exists());

        let file = folder.join("file");
        fs::write(&file, "somebody's").unwrap();
        let refused = Listener::bind(&format!("unix:{}", file.display())).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AddrInUse);
        assert_eq!(fs::read_to_string(&file).unwrap(), "somebody's");
        fs::remove_dir_all(&folder).unwrap();
    }
}
