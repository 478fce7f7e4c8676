//! A server, and the connection to it that all its users share.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use futures_util::FutureExt;
use redis::aio::{MultiplexedConnection, PubSub};
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, FromRedisValue, IntoConnectionInfo,
    RedisConnectionInfo, RedisResult, ScriptInvocation, TlsMode,
};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::failure::Failure;
use super::tls;
use super::url::{Address, Place, RedisUrl};

/// A server, with one connection that all its users share. Clones are the same server.
///
/// The next command makes a lost connection again. After a failed try, commands fail at once
/// until the next try: after a random time that doubles with each failure, up to
/// [`LONGEST_PAUSE`]. The log has one line when the server goes away, and one when it is back.
#[derive(Clone)]
pub(crate) struct Server {
    shared: Arc<Shared>,
}

struct Shared {
    url: RedisUrl,
    timeout: Duration,
    live: ArcSwapOption<Live>,
    tries: Mutex<Tries>,
}

struct Live {
    connection: MultiplexedConnection,
}

/// The tries to connect.
#[derive(Default)]
struct Tries {
    /// How many have failed since the last connection.
    failed: u32,
    /// Why the last one failed, and the time of the next.
    pause: Option<(Failure, Instant)>,
    /// Since when the server is away. It is told once.
    away: Option<Instant>,
}

/// The pause after the first failed try, at most.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two tries. A try costs little, and no task goes on before it succeeds.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Server {
    /// A server at this address. A command, and a try to connect, takes at most `timeout`.
    pub(crate) fn new(url: RedisUrl, timeout: Duration) -> Self {
        let (live, tries) = (ArcSwapOption::empty(), Mutex::default());
        Self { shared: Arc::new(Shared { url, timeout, live, tries }) }
    }

    /// Whether there is a connection, as far as is known.
    pub(crate) fn is_connected(&self) -> bool {
        self.shared.live.load().is_some()
    }

    /// Runs a command over the shared connection.
    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        self.with(async |mut connection| command.query_async(&mut connection).await).await
    }

    /// Runs a script over the shared connection, by the digest of its text. The text follows where
    /// the server does not know it, as after a restart.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Failure> {
        self.with(async |mut connection| script.invoke_async(&mut connection).await).await
    }

    /// Does something with the shared connection, and gives the connection up if it is lost.
    pub(crate) async fn with<T>(
        &self,
        what: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, Failure> {
        // Boxed, as below: an author's crate would meet the compiler's limit for nested futures.
        let live = self.live().boxed().await?;
        let result = what(live.connection.clone()).await;
        if let Err(error) = &result
            && Failure::ends_connection(error)
        {
            self.lose(&live, error).boxed().await;
        }
        Ok(result?)
    }

    /// A connection of its own, for commands that block. It has no time limit for answers.
    pub(crate) async fn dedicated(&self) -> Result<MultiplexedConnection, Failure> {
        // It tells whether the server is away, and waits between tries.
        self.live().boxed().await?;
        self.open(None).boxed().await
    }

    /// A connection of its own for publish and subscribe.
    pub(crate) async fn pubsub(&self) -> Result<PubSub, Failure> {
        self.live().await?;
        let connect = async { self.client().await?.get_async_pubsub().await };
        self.in_time(connect).await
    }

    async fn live(&self) -> Result<Arc<Live>, Failure> {
        if let Some(live) = self.shared.live.load_full() {
            return Ok(live);
        }
        let mut tries = self.shared.tries.lock().await;
        if let Some(live) = self.shared.live.load_full() {
            return Ok(live);
        }
        if let Some((failure, until)) = &tries.pause
            && Instant::now() < *until
        {
            return Err(failure.clone());
        }
        match self.open(Some(self.shared.timeout)).boxed().await {
            Ok(connection) => {
                let live = Arc::new(Live { connection });
                self.shared.live.store(Some(Arc::clone(&live)));
                if let Some(since) = tries.away {
                    let seconds = since.elapsed().as_secs_f32();
                    tracing::info!(server = %self.shared.url, seconds, "Redis is back");
                }
                *tries = Tries::default();
                Ok(live)
            }
            Err(failure) => {
                tries.note_away(&self.shared.url, &failure);
                let pause = pause(tries.failed);
                tries.failed = tries.failed.saturating_add(1);
                tries.pause = Some((failure.clone(), Instant::now() + pause));
                Err(failure)
            }
        }
    }

    /// Gives a connection up, unless another has taken its place.
    async fn lose(&self, lost: &Arc<Live>, error: &redis::RedisError) {
        let mut tries = self.shared.tries.lock().await;
        let is_current =
            self.shared.live.load().as_ref().is_some_and(|live| Arc::ptr_eq(live, lost));
        if is_current {
            self.shared.live.store(None);
            tries.note_away(&self.shared.url, &Failure::Away(error.to_string()));
        }
    }

    async fn open(
        &self,
        answers_within: Option<Duration>,
    ) -> Result<MultiplexedConnection, Failure> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.shared.timeout))
            .set_response_timeout(answers_within);
        let connect = async {
            self.client().await?.get_multiplexed_async_connection_with_config(&config).await
        };
        self.in_time(connect).await
    }

    async fn in_time<T>(&self, what: impl Future<Output = RedisResult<T>>) -> Result<T, Failure> {
        if self.shared.url.tls {
            tls::provide()?;
        }
        match timeout(self.shared.timeout, what).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(Failure::Away(format!("no answer within {:?}", self.shared.timeout))),
        }
    }

    /// A client of the server. Sentinels are asked for their master each time.
    async fn client(&self) -> RedisResult<Client> {
        let url = &self.shared.url;
        let address = match &url.place {
            Place::Tcp(address) => connection_address(address, url.tls),
            Place::Unix(path) => ConnectionAddr::Unix(path.clone()),
            Place::Sentinels { sentinels, master } => {
                return sentinels_of(url, sentinels, master)?.async_get_client().await;
            }
        };
        let mut login = RedisConnectionInfo::default().set_db(url.database.into());
        if let Some(user) = &url.user {
            login = login.set_username(user);
        }
        if let Some(password) = &url.password {
            login = login.set_password(password);
        }
        let info = address.into_connection_info()?.set_redis_settings(login);
        Client::open(info.set_tcp_settings(settings()))
    }
}

fn sentinels_of(
    url: &RedisUrl,
    sentinels: &[Address],
    master: &str,
) -> RedisResult<SentinelClient> {
    let sentinels = sentinels.iter().map(|address| connection_address(address, url.tls));
    let mut builder = SentinelClientBuilder::new(sentinels, master, SentinelServerType::Master)?
        .set_client_to_redis_tcp_settings(settings())
        .set_client_to_redis_db(url.database.into());
    if url.tls {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
    }
    if let Some(user) = &url.user {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = &url.password {
        builder = builder.set_client_to_redis_password(password);
    }
    builder.build()
}

fn connection_address(address: &Address, tls: bool) -> ConnectionAddr {
    let (host, port) = (address.host.clone(), address.port);
    if tls {
        ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
    } else {
        ConnectionAddr::Tcp(host, port)
    }
}

fn settings() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

impl Tries {
    fn note_away(&mut self, url: &RedisUrl, failure: &Failure) {
        if self.away.is_none() {
            self.away = Some(Instant::now());
            let error = match failure {
                Failure::Away(why) => why.clone(),
                Failure::Full | Failure::Refused(_) => failure.to_string(),
            };
            tracing::warn!(server = %url, error, "Redis is away");
        }
    }
}

/// The pause after this number of failed tries: random, so that many processes that lose the server
/// at the same moment do not return at the same moment.
fn pause(failed: u32) -> Duration {
    let longest = SHORTEST_PAUSE.saturating_mul(1 << failed.min(10)).min(LONGEST_PAUSE);
    // The lowest bits of a random UUID are random.
    let part = u32::from(uuid::Uuid::new_v4().as_bytes()[15]);
    longest / 2 + longest / 2 * part / 255
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.shared.url).finish()
    }
}
