//! What a name stands for right now. A name server that fails takes nothing back.

use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use futures::future::join_all;

use super::Found;
use super::dns::{Answer, Family, Resolver, Service, Unanswered};

/// One question may take this long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Once the name's addresses of one family are known, the other's are waited for only so long: there are name servers
/// that never answer when they are asked for AAAA.
const PATIENCE_WITH_OTHER: Duration = Duration::from_millis(500);

/// What is only partly known is asked for again soon.
const PARTLY: Duration = Duration::from_secs(10);

/// What was found, how long it may be used, and what is missing in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known<T> {
    pub(super) found: Vec<T>,
    pub(super) ttl: Duration,
    pub(super) missing: Option<String>,
}

/// A name with its addresses as they were known last.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    name: String,
    v4: Vec<IpAddr>,
    v6: Vec<IpAddr>,
}

impl Addresses {
    pub(super) fn new(name: &str, last: impl Iterator<Item = IpAddr>) -> Self {
        let (v4, v6) = last.partition(IpAddr::is_ipv4);
        Self {
            name: name.to_owned(),
            v4,
            v6,
        }
    }

    pub(super) async fn look_up(
        &mut self,
        resolver: &dyn Resolver,
    ) -> Result<Known<IpAddr>, String> {
        let ask = |family| in_time(resolver.addresses(&self.name, family));
        let (mut v4, mut v6) = (pin!(ask(Family::V4)), pin!(ask(Family::V6)));
        let (v4, v6) = tokio::select! {
            v4 = &mut v4 => { let v6 = other(&v4, v6).await; (v4, v6) }
            v6 = &mut v6 => { let v4 = other(&v6, v4).await; (v4, v6) }
        };
        let mut ttl = None;
        let mut take = |last: &[IpAddr], answer: &Result<Answer<IpAddr>, Unanswered>| {
            let (addresses, until) = match answer {
                Ok(answer) => (sorted(&answer.records), answer.ttl),
                Err(Unanswered::Failed(_)) if !last.is_empty() => (last.to_vec(), PARTLY),
                Err(_) => return Vec::new(),
            };
            ttl = Some(ttl.map_or(until, |ttl: Duration| ttl.min(until)));
            addresses
        };
        let (new_v4, new_v6) = (take(&self.v4, &v4), take(&self.v6, &v6));
        let is_answered = v4.is_ok() || v6.is_ok();
        match ttl {
            Some(ttl) if is_answered => {
                (self.v4, self.v6) = (new_v4, new_v6);
                Ok(Known {
                    found: self.v4.iter().chain(&self.v6).copied().collect(),
                    ttl,
                    missing: None,
                })
            }
            _ => Err(why(&v4, &v6)),
        }
    }
}

/// A service with the addresses of its targets as they were known last.
#[derive(Debug)]
pub(super) struct Targets {
    name: String,
    last: Vec<(String, Addresses)>,
}

impl Targets {
    pub(super) fn new(name: &str, last: &[Found]) -> Self {
        let mut targets: Vec<(String, Addresses)> = Vec::new();
        for found in last {
            let host = format!("{}.", found.place.host);
            if !targets.iter().any(|(name, _)| *name == host) {
                let same = last
                    .iter()
                    .filter(|other| other.place.host == found.place.host);
                let addresses = same.filter_map(|found| found.place.address);
                targets.push((host.clone(), Addresses::new(&host, addresses)));
            }
        }
        Self {
            name: name.to_owned(),
            last: targets,
        }
    }

    /// Each address of each target of the lowest priority.
    pub(super) async fn look_up(
        &mut self,
        resolver: &dyn Resolver,
    ) -> Result<Known<(Service, IpAddr)>, String> {
        let answer = in_time(resolver.services(&self.name)).await;
        let answer = answer.map_err(|why| why.to_string())?;
        let lowest = answer.records.iter().map(|service| service.priority).min();
        let services = answer.records.into_iter();
        let services = services.filter(|service| Some(service.priority) == lowest);
        let services: Vec<Service> = services.filter(|service| service.target != ".").collect();
        if services.is_empty() {
            return Err("its SRV record says that the service is not offered".to_owned());
        }
        let ask = |service: Service| {
            let known = self.last.iter().find(|(name, _)| *name == service.target);
            let mut addresses = match known {
                Some((_, addresses)) => addresses.clone(),
                None => Addresses::new(&service.target, std::iter::empty()),
            };
            async move {
                let looked = addresses.look_up(resolver).await;
                (service, addresses, looked)
            }
        };
        let looked = join_all(services.into_iter().map(ask)).await;
        self.last.clear();
        let mut known = Known {
            found: Vec::new(),
            ttl: answer.ttl,
            missing: None,
        };
        for (service, addresses, looked) in looked {
            let (found, ttl) = match looked {
                Ok(looked) => (looked.found, looked.ttl),
                Err(why) => {
                    known.missing = Some(format!("{} does not resolve: {why}", service.target));
                    let last = addresses.v4.iter().chain(&addresses.v6);
                    (last.copied().collect(), PARTLY)
                }
            };
            known.ttl = known.ttl.min(ttl);
            let each = |address| (service.clone(), address);
            known.found.extend(found.into_iter().map(each));
            self.last.push((service.target, addresses));
        }
        match (known.found.is_empty(), known.missing.take()) {
            (true, Some(missing)) => Err(missing),
            (_, missing) => Ok(Known { missing, ..known }),
        }
    }
}

async fn in_time<T>(asked: impl Future<Output = Result<T, Unanswered>>) -> Result<T, Unanswered> {
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    answer.unwrap_or_else(|_| Err(late()))
}

async fn other<T>(
    first: &Result<T, Unanswered>,
    second: impl Future<Output = Result<T, Unanswered>>,
) -> Result<T, Unanswered> {
    if first.is_err() {
        return second.await;
    }
    let answer = tokio::time::timeout(PATIENCE_WITH_OTHER, second).await;
    answer.unwrap_or_else(|_| Err(late()))
}

fn late() -> Unanswered {
    Unanswered::Failed("no name server answered in time".to_owned())
}

/// Name servers change the order with every answer.
fn sorted(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let mut addresses = addresses.to_vec();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// What failed says more than what is not there.
fn why<T>(v4: &Result<T, Unanswered>, v6: &Result<T, Unanswered>) -> String {
    match (v4, v6) {
        (Err(Unanswered::None(_)), Err(failed @ Unanswered::Failed(_))) => failed.to_string(),
        (Err(first), Err(Unanswered::None(none))) if first.to_string() != *none => match first {
            Unanswered::None(_) => "it has no address".to_owned(),
            Unanswered::Failed(_) => first.to_string(),
        },
        (Err(first), _) => first.to_string(),
        _ => "it has no address".to_owned(),
    }
}
