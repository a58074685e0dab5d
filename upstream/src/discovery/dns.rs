//! Asks what names stand for: the hosts file first, then the system's name servers or those that the file names.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Hosts, TokioResolver};

/// Where the system says which name servers there are.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// What stands in the hosts file has no time to live; it is looked at again so often.
const HOSTS_TTL: Duration = Duration::from_secs(10);

/// What names stand for.
pub trait Resolver: fmt::Debug + Send + Sync {
    /// The addresses of one family that a name has.
    fn addresses<'a>(&'a self, name: &'a str, family: Family) -> Asked<'a, IpAddr>;

    /// Where a service is offered: its SRV records.
    fn services<'a>(&'a self, name: &'a str) -> Asked<'a, Service>;
}

/// A question that is under way.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<Answer<T>, Unanswered>> + Send + 'a>>;

/// Of which kind an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A.
    V4,
    /// AAAA.
    V6,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// At least one.
    pub records: Vec<T>,
    /// How long this may be used before it is asked for again.
    pub ttl: Duration,
}

/// One SRV record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Lower ones are used first.
    pub priority: u16,
    /// Its share among those of its priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// Whose addresses; a full name ends with a dot, which alone says that the service is not offered.
    pub target: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// It is known that there are no such records.
    #[error("{0}")]
    None(&'static str),
    /// It is not known whether there are.
    #[error("{0}")]
    Failed(String),
}

/// The hosts file and the DNS.
pub struct Dns {
    made: Mutex<Made>,
}

/// A resolver, and what it was made from.
#[derive(Default)]
struct Made {
    /// Empty: the system's.
    servers: Vec<SocketAddr>,
    /// Of the system's file.
    stamp: Option<SystemTime>,
    resolver: Option<TokioResolver>,
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Dns")
            .field("servers", &made.servers)
            .finish_non_exhaustive()
    }
}

impl Dns {
    /// Asks these servers; the system's where there are none. Nothing is read or sent before the first question.
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self {
            made: Mutex::new(Made {
                servers,
                ..Made::default()
            }),
        }
    }

    /// From now on these are asked.
    pub fn set_servers(&self, servers: &[SocketAddr]) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.servers != servers {
            *made = Made {
                servers: servers.to_vec(),
                ..Made::default()
            };
        }
    }

    /// The one at hand, or a new one where the system's servers have changed.
    fn resolver(&self) -> Result<TokioResolver, Unanswered> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = match &made.servers[..] {
            [] => modified(RESOLV_CONF),
            _ => None,
        };
        if let Some(resolver) = &made.resolver
            && made.stamp == stamp
        {
            return Ok(resolver.clone());
        }
        let resolver = make(&made.servers).map_err(|error| unanswered(&error, ""))?;
        made.stamp = stamp;
        made.resolver = Some(resolver.clone());
        Ok(resolver)
    }

    async fn look_up(&self, name: &str, kind: RecordType) -> Result<Lookup, Unanswered> {
        let resolver = self.resolver()?;
        let none = match kind {
            RecordType::A => "it has no A record",
            RecordType::AAAA => "it has no AAAA record",
            _ => "it has no SRV record",
        };
        let found = resolver.lookup(name, kind).await;
        found.map_err(|error| unanswered(&error, none))
    }
}

impl Resolver for Dns {
    fn addresses<'a>(&'a self, name: &'a str, family: Family) -> Asked<'a, IpAddr> {
        Box::pin(async move {
            if let Some(answer) = in_hosts(name, family) {
                return answer;
            }
            let (kind, none) = match family {
                Family::V4 => (RecordType::A, "it has no A record"),
                Family::V6 => (RecordType::AAAA, "it has no AAAA record"),
            };
            let found = self.look_up(name, kind).await?;
            records(&found, none, RData::ip_addr)
        })
    }

    fn services<'a>(&'a self, name: &'a str) -> Asked<'a, Service> {
        Box::pin(async move {
            let found = self.look_up(name, RecordType::SRV).await?;
            records(&found, "it has no SRV record", |data| match data {
                RData::SRV(service) => Some(Service {
                    priority: service.priority,
                    weight: service.weight,
                    port: service.port,
                    target: service.target.to_utf8(),
                }),
                _ => None,
            })
        })
    }
}

fn make(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let mut builder = if servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let server = |server: &SocketAddr| {
            let mut config = NameServerConfig::udp_and_tcp(server.ip());
            for connection in &mut config.connections {
                connection.port = server.port();
            }
            config
        };
        let config = ResolverConfig::from_name_servers(servers.iter().map(server).collect());
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let options = builder.options_mut();
    // We ask when the time to live is over, so a cache would only make answers older.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    builder.build()
}

fn modified(path: &str) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|file| file.modified())
        .ok()
}

/// A name that stands there for one family is not asked for with the other, as everywhere else.
fn in_hosts(name: &str, family: Family) -> Option<Result<Answer<IpAddr>, Unanswered>> {
    let hosts = Hosts::from_system().ok()?;
    let name = Name::from_utf8(name).ok()?;
    let known = |kind| hosts.lookup_static_host(&Query::query(name.clone(), kind));
    let addresses = |found: Lookup| {
        let records = found.answers().iter();
        let records = records.filter_map(|record| record.data.ip_addr()).collect();
        Answer {
            records,
            ttl: HOSTS_TTL,
        }
    };
    let (wanted, other) = match family {
        Family::V4 => (known(RecordType::A), known(RecordType::AAAA)),
        Family::V6 => (known(RecordType::AAAA), known(RecordType::A)),
    };
    match (wanted, other) {
        (Some(found), _) => Some(Ok(addresses(found))),
        (None, Some(_)) => Some(Err(Unanswered::None("the hosts file has no such address"))),
        (None, None) => None,
    }
}

/// What of the answer was asked for; aliases stand in it too, and count for its time to live.
fn records<T>(
    found: &Lookup,
    none: &'static str,
    wanted: impl Fn(&RData) -> Option<T>,
) -> Result<Answer<T>, Unanswered> {
    let all = found.answers();
    let records: Vec<T> = all
        .iter()
        .filter_map(|record| wanted(&record.data))
        .collect();
    if records.is_empty() {
        return Err(Unanswered::None(none));
    }
    let ttl = all
        .iter()
        .map(|record| record.ttl)
        .min()
        .unwrap_or_default();
    Ok(Answer {
        records,
        ttl: Duration::from_secs(ttl.into()),
    })
}

fn unanswered(error: &NetError, none: &'static str) -> Unanswered {
    if error.is_nx_domain() {
        return Unanswered::None("there is no such name");
    }
    if error.is_no_records_found() {
        return Unanswered::None(none);
    }
    Unanswered::Failed(match error {
        NetError::Dns(DnsError::ResponseCode(code)) => format!("the name server says: {code}"),
        NetError::Timeout => "no name server answered in time".to_owned(),
        NetError::NoConnections => "no name server can be reached".to_owned(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests;
