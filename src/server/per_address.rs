//! Bounds for the clients of one address: on open connections and on requests.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::ServerConfig;
use crate::error::{Error, code};
use crate::setting::Rate;

/// The most addresses that are counted at once. Further addresses are served without being counted,
/// because a full table must not lock them out.
const ADDRESSES_MAX: usize = 1 << 16;

/// How often addresses without connections and recent requests are forgotten.
const SWEEP: Duration = Duration::from_secs(1);

/// How often refusals of one address are logged.
const TOLD: Duration = Duration::from_secs(10);

/// When a client that has too many connections may try again.
const RETRY: Duration = Duration::from_secs(5);

/// The connections and requests of each address. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct PerAddress {
    connections: usize,
    requests: Rate,
    table: Arc<Mutex<Table>>,
}

/// One of the connections of an address; dropping it allows the address to open another.
#[derive(Debug)]
pub(super) struct Share {
    table: Arc<Mutex<Table>>,
    address: IpAddr,
}

#[derive(Debug)]
struct Table {
    usage: HashMap<IpAddr, Usage>,
    swept: Instant,
}

#[derive(Debug)]
struct Usage {
    connections: usize,
    /// When all requests so far will be within the rate (the theoretical arrival time of the
    /// generic cell rate algorithm).
    due: Instant,
    /// Refusals since the last log record, and the time of that record.
    refused: u64,
    last_logged: Option<Instant>,
}

impl PerAddress {
    /// The bounds of `[server]`.
    pub(super) fn new(settings: &ServerConfig) -> Self {
        let table = Table { usage: HashMap::new(), swept: Instant::now() };
        Self {
            connections: settings.connections_per_address,
            requests: settings.requests_per_address,
            table: Arc::new(Mutex::new(table)),
        }
    }

    /// A share for a connection from this address, which is the result of `address::counted`;
    /// `None` if it is not counted.
    ///
    /// # Errors
    /// If the address has reached `connections_per_address`.
    pub(super) fn connect(&self, counted: Option<IpAddr>) -> Result<Option<Share>, Error> {
        let Some(address) = counted else { return Ok(None) };
        let mut table = lock(&self.table);
        let Some(usage) = table.get(address) else { return Ok(None) };
        if usage.connections >= self.connections {
            usage.tell(address, "connections", "connections_per_address");
            return Err(too_many(code::REFUSED, "connections", RETRY));
        }
        usage.connections += 1;
        Ok(Some(Share { table: Arc::clone(&self.table), address }))
    }

    /// Counts a request from this address.
    ///
    /// # Errors
    /// If the request exceeds the rate; `retry_after_ms` is the time until the next one is allowed.
    pub(super) fn request(&self, counted: Option<IpAddr>) -> Result<(), Error> {
        let Rate::Per { count, period } = self.requests else { return Ok(()) };
        let Some(address) = counted else { return Ok(()) };
        let (period, now) = (period.duration(), Instant::now());
        let mut table = lock(&self.table);
        let Some(usage) = table.get(address) else { return Ok(()) };
        let due = usage.due.max(now) + period / count.get();
        // The requests of one period may arrive all at once.
        let early = due.saturating_duration_since(now + period);
        if !early.is_zero() {
            usage.tell(address, "requests", "requests_per_address");
            return Err(too_many(code::RATE, "requests", early));
        }
        usage.due = due;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(usage) = lock(&self.table).usage.get_mut(&self.address) {
            usage.connections -= 1;
        }
    }
}

impl Table {
    /// The usage of an address; `None` if the table is full of other addresses.
    fn get(&mut self, address: IpAddr) -> Option<&mut Usage> {
        let now = Instant::now();
        if now.duration_since(self.swept) >= SWEEP {
            self.usage.retain(|_, usage| usage.connections > 0 || usage.due > now);
            self.usage.shrink_to(2 * self.usage.len());
            self.swept = now;
        }
        if self.usage.len() >= ADDRESSES_MAX && !self.usage.contains_key(&address) {
            return None;
        }
        let new = || Usage { connections: 0, due: now, refused: 0, last_logged: None };
        Some(self.usage.entry(address).or_insert_with(new))
    }
}

impl Usage {
    /// Counts a refusal, and from time to time logs all refusals since the last record.
    fn tell(&mut self, address: IpAddr, what: &str, key: &str) {
        self.refused += 1;
        let now = Instant::now();
        if self.last_logged.is_none_or(|last_logged| now.duration_since(last_logged) >= TOLD) {
            let refused = std::mem::take(&mut self.refused);
            tracing::warn!(%address, refused, "too many {what} from one address: [server] {key}");
            self.last_logged = Some(now);
        }
    }
}

fn too_many(code: &'static str, what: &str, retry: Duration) -> Error {
    let error = Error::new(code, format!("too many {what} from this address"));
    // Rounded up, so that a client that waits this long is not too early.
    let retry = u64::try_from(retry.as_millis()).map_or(u64::MAX, |retry| retry + 1);
    error.with("retry_after_ms", retry)
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use tokio::time::advance;

    use super::super::address::counted;
    use super::*;

    fn bounds(connections: usize, requests: &str) -> (PerAddress, ServerConfig) {
        let settings = ServerConfig {
            connections_per_address: connections,
            requests_per_address: requests.parse().unwrap(),
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..ServerConfig::default()
        };
        (PerAddress::new(&settings), settings)
    }

    #[tokio::test(start_paused = true)]
    async fn each_address_has_its_own_bound_on_connections() {
        let (addresses, settings) = bounds(2, "off");
        let connect = |ip: &str| addresses.connect(counted(ip.parse().ok(), &settings));
        let first = connect("1.2.3.4").unwrap();
        let _second = connect("1.2.3.4").unwrap().unwrap();
        assert_eq!(connect("1.2.3.4").unwrap_err().code(), code::REFUSED);
        let _another = connect("1.2.3.5").unwrap().unwrap();
        drop(first);
        let _third = connect("1.2.3.4").unwrap().unwrap();
        assert!(connect("1.2.3.4").is_err());

        let _v6 = [connect("2001:db8::1").unwrap(), connect("2001:db8::ffff:2").unwrap()];
        assert!(connect("2001:db8::3").is_err(), "it is the same /64");
        assert!(connect("2001:db8:0:1::3").is_ok());
        for exempt in ["127.0.0.1", "127.9.9.9", "::1", "10.0.0.1", "none"] {
            let places: Vec<_> = (0..9).map(|_| connect(exempt).unwrap()).collect();
            assert!(places.iter().all(Option::is_none), "{exempt}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_may_send_the_requests_of_a_period_at_once_and_then_steadily() {
        let (addresses, settings) = bounds(1, "4/s");
        let request = |ip: &str| addresses.request(counted(ip.parse().ok(), &settings));
        let taken = |ip: &str| (0..9).filter(|_| request(ip).is_ok()).count();
        assert_eq!(taken("1.2.3.4"), 4);
        let refused = request("1.2.3.4").unwrap_err();
        assert_eq!(refused.field("retry_after_ms").unwrap(), 251);
        assert_eq!(taken("1.2.3.5"), 4, "it is another address");
        advance(Duration::from_millis(500)).await;
        assert_eq!(taken("1.2.3.4"), 2);
        advance(Duration::from_secs(60)).await;
        assert_eq!(taken("1.2.3.4"), 4);
        assert_eq!(taken("127.0.0.1"), 9);
        assert_eq!(taken("10.0.0.1"), 9);
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_is_bounded_and_forgets_idle_addresses() {
        let (addresses, settings) = bounds(1, "1/s");
        let of = |number: usize| {
            let ip = Ipv6Addr::from((0x2001_u128 << 112) | (number as u128) << 64);
            counted(Some(ip.into()), &settings)
        };
        let place = addresses.connect(of(0)).unwrap().unwrap();
        for number in 0..ADDRESSES_MAX + 9 {
            assert!(addresses.request(of(number)).is_ok(), "{number}");
        }
        let size = || lock(&addresses.table).usage.len();
        assert_eq!(size(), ADDRESSES_MAX);
        assert!(addresses.request(of(1)).is_err(), "a known address is still counted");
        advance(2 * SWEEP).await;
        assert!(addresses.request(of(1)).is_ok());
        assert_eq!(size(), 2, "this one, and the one with a connection");
        assert!(lock(&addresses.table).usage.capacity() < 64);
        drop(place);
        advance(2 * SWEEP).await;
        assert!(addresses.request(of(2)).is_ok());
        assert_eq!(size(), 1);
    }
}
