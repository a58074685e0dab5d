mod files;
mod waits;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::dns::{Answer, Asked, Family, Service, Unanswered};
use super::*;
use crate::fleet::Settings;

const SECOND: Duration = Duration::from_secs(1);

type Said<T> = Result<Answer<T>, Unanswered>;

/// Answers as it is told to, and notes when it was asked for A and SRV records.
#[derive(Debug, Default)]
struct Scripted {
    /// By name, and whether AAAA is meant.
    addresses: Mutex<HashMap<(String, bool), Said<IpAddr>>>,
    services: Mutex<HashMap<String, Said<Service>>>,
    asked: Mutex<Vec<(Instant, String)>>,
}

impl Resolver for Scripted {
    fn addresses<'a>(&'a self, name: &'a str, family: Family) -> Asked<'a, IpAddr> {
        if family == Family::V4 {
            self.note(name);
        }
        let key = (name.to_owned(), family == Family::V6);
        let answer = self.addresses.lock().unwrap().get(&key).cloned();
        Box::pin(async move {
            match answer {
                Some(Err(Unanswered::Failed(why))) if why == "silence" => {
                    std::future::pending().await
                }
                Some(answer) => answer,
                None => Err(Unanswered::None("there is no such name")),
            }
        })
    }

    fn services<'a>(&'a self, name: &'a str) -> Asked<'a, Service> {
        self.note(name);
        let answer = self.services.lock().unwrap().get(name).cloned();
        let none = Unanswered::None("there is no such name");
        Box::pin(async move { answer.unwrap_or(Err(none)) })
    }
}

impl Scripted {
    fn note(&self, name: &str) {
        let mut asked = self.asked.lock().unwrap();
        asked.push((Instant::now(), name.to_owned()));
    }

    fn has(&self, name: &str, addresses: &[&str], ttl: u64) {
        for v6 in [false, true] {
            let all = addresses.iter().map(|address| address.parse().unwrap());
            let records: Vec<IpAddr> = all.filter(|all: &IpAddr| all.is_ipv6() == v6).collect();
            let answer = if records.is_empty() {
                Err(Unanswered::None("it has no such record"))
            } else {
                let ttl = Duration::from_secs(ttl);
                Ok(Answer { records, ttl })
            };
            self.says(name, v6, answer);
        }
    }

    fn fails(&self, name: &str, why: Unanswered) {
        self.says(name, false, Err(why.clone()));
        self.says(name, true, Err(why));
    }

    fn says(&self, name: &str, v6: bool, answer: Said<IpAddr>) {
        let mut addresses = self.addresses.lock().unwrap();
        addresses.insert((name.to_owned(), v6), answer);
    }

    fn offers(&self, name: &str, services: &[(u16, u16, u16, &str)], ttl: u64) {
        let service = |(priority, weight, port, target): &(u16, u16, u16, &str)| Service {
            priority: *priority,
            weight: *weight,
            port: *port,
            target: (*target).to_owned(),
        };
        let answer = Answer {
            records: services.iter().map(service).collect(),
            ttl: Duration::from_secs(ttl),
        };
        self.services
            .lock()
            .unwrap()
            .insert(name.to_owned(), Ok(answer));
    }

    /// How long after each other `name` was asked for.
    fn waits(&self, name: &str) -> Vec<u64> {
        let asked = self.asked.lock().unwrap();
        let times = asked.iter().filter(|(_, asked)| asked == name);
        let times: Vec<Instant> = times.map(|(at, _)| *at).collect();
        let waits = times.windows(2);
        let seconds = |wait: Duration| (wait + SECOND / 2).as_secs();
        waits.map(|pair| seconds(pair[1] - pair[0])).collect()
    }
}

fn list(sources: Vec<Source>) -> List {
    List {
        upstream: "shop".to_owned(),
        sources,
        file: None,
    }
}

fn named(host: &str) -> Source {
    Source::new(Place::new(host, 7000, "/base"), 1)
}

fn service() -> Source {
    Source::service(Place::new("_web._tcp.shop", 0, ""), 1)
}

struct World {
    resolver: Arc<Scripted>,
    finding: Finding,
}

impl World {
    fn new() -> Self {
        Self::reading(Arc::new(|_: &Path| Err("there is no file".to_owned())))
    }

    fn reading(read: ReadEndpoints) -> Self {
        let resolver = Arc::new(Scripted::default());
        let finding = Finding {
            resolver: Arc::clone(&resolver) as _,
            read,
            tasks: Tasks::new(),
        };
        Self { resolver, finding }
    }

    fn begin(&self, list: &List) -> Arc<Discovery> {
        let discovery = Arc::new(Discovery::open(list, Settings::default(), None));
        discovery.start(&self.finding);
        discovery
    }
}

/// Its endpoints in order, with their weights.
fn members(discovery: &Discovery) -> Vec<(String, u32)> {
    let members = discovery.fleet().members().into_iter();
    let shown = |member: Member| (member.endpoint.to_string(), member.weight);
    members.map(shown).collect()
}

fn urls(discovery: &Discovery) -> Vec<String> {
    members(discovery).into_iter().map(|(url, _)| url).collect()
}

async fn pass(seconds: u64) {
    tokio::time::sleep(SECOND * u32::try_from(seconds).unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_is_an_endpoint_at_once_and_a_name_is_each_of_its_addresses() {
    let world = World::new();
    world
        .resolver
        .has("users", &["10.0.0.2", "10.0.0.1", "fd00::1"], 60);
    let sources = vec![
        Source::new(Place::new("10.9.9.9", 80, ""), 3),
        Source::new(Place::new("localhost", 7001, ""), 1),
        Source::new(Place::new("users", 7000, "/base"), 2),
    ];
    let discovery = Arc::new(Discovery::open(&list(sources), Settings::default(), None));
    assert!(discovery.fleet().is_known());
    assert_eq!(
        urls(&discovery),
        ["http://10.9.9.9", "http://localhost:7001"]
    );
    discovery.start(&world.finding);
    pass(1).await;
    let expected = [
        ("http://10.9.9.9", 3),
        ("http://localhost:7001", 1),
        ("http://users:7000/base at 10.0.0.1", 2),
        ("http://users:7000/base at 10.0.0.2", 2),
        ("http://users:7000/base at fd00::1", 2),
    ];
    let expected = expected.map(|(url, weight)| (url.to_owned(), weight));
    assert_eq!(members(&discovery), expected);
    assert_eq!(discovery.trouble(), None);
    assert!(
        world
            .resolver
            .asked
            .lock()
            .unwrap()
            .iter()
            .all(|(_, name)| name == "users")
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_is_waited_for_even_if_it_is_none_and_the_second_is_not() {
    let world = World::new();
    let discovery = world.begin(&list(vec![named("users")]));
    assert!(!discovery.fleet().is_known());
    discovery.fleet().known().await;
    assert!(discovery.fleet().members().is_empty());
    assert_eq!(
        discovery.trouble().unwrap(),
        "users does not resolve: there is no such name; there has been no answer yet"
    );
    world.resolver.has("users", &["10.0.0.1"], 60);
    pass(2).await;
    assert_eq!(urls(&discovery), ["http://users:7000/base at 10.0.0.1"]);
    assert_eq!(discovery.trouble(), None);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_no_longer_resolves_keeps_its_last_answer() {
    let world = World::new();
    world.resolver.has("users", &["10.0.0.1", "fd00::1"], 10);
    let discovery = world.begin(&list(vec![named("users")]));
    pass(1).await;
    let before = urls(&discovery);
    for why in [
        Unanswered::None("there is no such name"),
        Unanswered::Failed("the name server says: Server Failure".to_owned()),
        Unanswered::Failed("silence".to_owned()),
    ] {
        world.resolver.fails("users", why.clone());
        pass(60).await;
        assert_eq!(urls(&discovery), before, "{why}");
        let trouble = discovery.trouble().unwrap();
        assert!(trouble.starts_with("users does not resolve: "), "{trouble}");
        assert!(trouble.ends_with("; the last answer stays"), "{trouble}");
        world.resolver.has("users", &["10.0.0.1", "fd00::1"], 10);
        pass(60).await;
        assert_eq!(discovery.trouble(), None);
    }
    let counts = discovery.counts();
    assert!(
        counts.failures >= 9 && counts.looks > counts.failures,
        "{counts:?}"
    );
    assert!(counts.good_at.unwrap().elapsed() <= 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_changed_answer_keeps_the_endpoints_that_stay() {
    let world = World::new();
    world.resolver.has("users", &["10.0.0.1", "10.0.0.2"], 10);
    let discovery = world.begin(&list(vec![named("users")]));
    pass(1).await;
    let before = discovery.fleet().members();
    world.resolver.has("users", &["10.0.0.2", "10.0.0.3"], 10);
    pass(11).await;
    let after = discovery.fleet().members();
    assert_eq!(urls(&discovery).len(), 2);
    assert!(Arc::ptr_eq(&before[1].endpoint, &after[0].endpoint));
    // What is in flight at the one that has gone is not touched: its object lives as long as a request has it.
    assert!(
        !after
            .iter()
            .any(|member| Arc::ptr_eq(&member.endpoint, &before[0].endpoint))
    );
}

#[tokio::test(start_paused = true)]
async fn a_family_that_is_not_answered_takes_nothing_from_the_other_nor_from_itself() {
    let world = World::new();
    let silence = || Err(Unanswered::Failed("silence".to_owned()));
    world.resolver.has("users", &["10.0.0.1"], 10);
    world.resolver.says("users", true, silence());
    let discovery = world.begin(&list(vec![named("users")]));
    pass(1).await;
    assert_eq!(urls(&discovery).len(), 1);
    world.resolver.has("users", &["10.0.0.1", "fd00::1"], 10);
    pass(12).await;
    assert_eq!(urls(&discovery).len(), 2);
    world.resolver.says("users", true, silence());
    pass(30).await;
    assert_eq!(urls(&discovery).len(), 2);
    // That it has none any more is another thing.
    world.resolver.has("users", &["10.0.0.1"], 10);
    pass(12).await;
    assert_eq!(urls(&discovery).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_is_its_targets_of_the_lowest_priority_with_their_ports_and_weights() {
    let world = World::new();
    let targets = [
        (10, 60, 7001, "a.shop."),
        (10, 0, 7002, "b.shop."),
        (20, 100, 7003, "spare.shop."),
    ];
    world.resolver.offers("_web._tcp.shop", &targets, 30);
    world.resolver.has("a.shop.", &["10.0.0.1"], 5);
    world.resolver.has("b.shop.", &["10.0.0.2", "10.0.0.3"], 60);
    world.resolver.has("spare.shop.", &["10.0.0.4"], 60);
    let discovery = world.begin(&list(vec![service()]));
    pass(1).await;
    let expected = [
        ("http://a.shop:7001 at 10.0.0.1", 60),
        ("http://b.shop:7002 at 10.0.0.2", 1),
        ("http://b.shop:7002 at 10.0.0.3", 1),
    ];
    let expected = expected.map(|(url, weight)| (url.to_owned(), weight));
    assert_eq!(members(&discovery), expected);
    // A target that no longer resolves stays where it was, and so does a service.
    world
        .resolver
        .fails("b.shop.", Unanswered::None("there is no such name"));
    pass(12).await;
    assert_eq!(world.resolver.waits("_web._tcp.shop")[0], 5);
    assert_eq!(members(&discovery), expected);
    assert!(
        discovery
            .trouble()
            .unwrap()
            .contains("b.shop. does not resolve")
    );
    world.resolver.services.lock().unwrap().clear();
    pass(30).await;
    assert_eq!(members(&discovery), expected);
    world
        .resolver
        .offers("_web._tcp.shop", &[(0, 0, 0, ".")], 30);
    pass(40).await;
    assert_eq!(members(&discovery), expected);
    assert!(discovery.trouble().unwrap().contains("not offered"));
    world.resolver.offers("_web._tcp.shop", &targets[2..], 30);
    pass(40).await;
    assert_eq!(urls(&discovery), ["http://spare.shop:7003 at 10.0.0.4"]);
    assert_eq!(discovery.trouble(), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_handed_on_to_the_next_list() {
    let world = World::new();
    world.resolver.has("users", &["10.0.0.1"], 60);
    let first = world.begin(&list(vec![named("users"), named("gone")]));
    pass(1).await;
    let endpoint = first.fleet().members().remove(0).endpoint;
    world
        .resolver
        .fails("users", Unanswered::None("there is no such name"));
    let heavier = Source {
        weight: 5,
        ..named("users")
    };
    let next = list(vec![named("orders"), heavier]);
    assert!(!first.serves(&next) && first.serves(&list(vec![named("users"), named("gone")])));
    let second = Arc::new(Discovery::open(&next, Settings::default(), Some(&first)));
    second.start(&world.finding);
    drop(first);
    pass(60).await;
    let members = second.fleet().members();
    assert_eq!(members.len(), 1);
    assert!(Arc::ptr_eq(&members[0].endpoint, &endpoint));
    assert_eq!(members[0].weight, 5);
}

#[tokio::test(start_paused = true)]
async fn looking_ends_with_what_keeps_it_and_with_the_process() {
    let world = World::new();
    world.resolver.has("users", &["10.0.0.1"], 300);
    let discovery = world.begin(&list(vec![named("users"), service()]));
    discovery.start(&world.finding);
    pass(1).await;
    drop(discovery);
    world.finding.tasks.ended(SECOND).await.unwrap();
    let world = World::new();
    let _discovery = world.begin(&list(vec![named("users")]));
    world.finding.tasks.stop();
    world.finding.tasks.ended(SECOND).await.unwrap();
}
