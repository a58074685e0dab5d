use std::sync::Arc;

use http::Method;
use proptest::prelude::*;
use strangler::{Decision, Percent, Phase, Reason, Rules, Side};
use upstream::fleet::{self, Fleet, Member};
use upstream::{Connecting, Endpoint, Place, Upstream};

use super::{Copying, Direction, fingerprint};
use crate::forward::compiled::Backend;
use crate::forward::config::{HostPolicy, PathRewrite};
use crate::shadow::config::ShadowConfig;

/// A side that listens on this port.
pub(in crate::shadow) fn side(name: &str, port: u16) -> Backend {
    let endpoint = Arc::new(Endpoint::new(Place::new("127.0.0.1", port, "")).unwrap());
    let members = vec![Member {
        endpoint,
        weight: 1,
    }];
    Backend {
        upstream: Arc::new(Upstream {
            name: name.to_owned(),
            fleet: Arc::new(Fleet::new(fleet::Settings::default(), members)),
            connecting: Connecting {
                timeout: std::time::Duration::from_secs(1),
                idle_max: 1,
                idle_timeout: std::time::Duration::from_secs(1),
            },
            bulkhead: None,
            budget: Arc::default(),
            tally: Arc::default(),
        }),
        host: HostPolicy::Preserve,
        path: PathRewrite::Keep,
        retry: Arc::default(),
        breaker: None,
    }
}

/// The route `orders`, with sides that nobody is at.
pub(in crate::shadow) fn copying(config: &ShadowConfig, direction: Direction) -> Copying {
    let sides = (side("monolith", 1), side("orders", 2));
    Copying::new(config, direction, sides, "/api/orders", ("orders-v2", 1))
}

fn percent(percent: f64) -> Percent {
    Percent::try_from(percent).unwrap()
}

#[test]
fn a_route_copies_only_in_phases_with_two_sides_and_never_when_forced() {
    for (phase, reverse, direction) in [
        (Phase::Legacy, true, None),
        (Phase::Shadow, false, Some(Direction::ToService)),
        (Phase::Canary, true, Some(Direction::ToService)),
        (Phase::Migrated, false, None),
        (Phase::Migrated, true, Some(Direction::ToLegacy)),
        (Phase::Retired, true, None),
    ] {
        let config = ShadowConfig {
            reverse,
            ..ShadowConfig::default()
        };
        assert_eq!(Direction::of(&config, phase, false), direction, "{phase}");
        assert_eq!(Direction::of(&config, phase, true), None, "{phase}");
    }
}

#[test]
fn whoever_was_kept_on_a_side_is_not_copied() {
    let to_service = copying(&ShadowConfig::default(), Direction::ToService);
    let to_legacy = copying(&ShadowConfig::default(), Direction::ToLegacy);
    for (reason, copied) in [
        (Reason::Forced, false),
        (Reason::Phase, true),
        (Reason::Denied, false),
        (Reason::Override, false),
        (Reason::FlagOff, false),
        (Reason::Method, true),
        (Reason::Allowed, false),
        (Reason::NoKey, true),
        (Reason::Bucket, true),
        (Reason::Capped, false),
        (Reason::Failover, false),
    ] {
        let decision = |side| Decision {
            side,
            reason,
            bucket: None,
        };
        assert_eq!(to_service.wants(decision(Side::Legacy)), copied, "{reason}");
        assert!(!to_service.wants(decision(Side::Service)), "{reason}");
        assert!(!to_legacy.wants(decision(Side::Legacy)), "{reason}");
    }
}

#[test]
fn the_sample_is_the_same_callers_each_time_and_not_the_first_of_a_canary() {
    let config = ShadowConfig {
        percent: percent(10.0),
        ..ShadowConfig::default()
    };
    let copying = copying(&config, Direction::ToService);
    let canary = strangler::Bucketer::new("orders-v2", 1);
    let users: Vec<String> = (0..10_000).map(|n| format!("user-{n}")).collect();
    let sampled: Vec<&String> = users
        .iter()
        .filter(|user| copying.samples(Some(user.as_str())))
        .collect();
    assert!((900..1100).contains(&sampled.len()), "{}", sampled.len());
    // With the canary's own buckets the first tenth would all be the service's already.
    let on_legacy = sampled
        .iter()
        .filter(|user| !canary.bucket(user).is_within(percent(50.0)));
    assert!((400..600).contains(&on_legacy.count()));
    let again = users
        .iter()
        .filter(|user| copying.samples(Some(user.as_str())));
    assert!(again.eq(sampled));
}

#[test]
fn without_a_key_chance_decides_and_all_and_nobody_are_exact() {
    let of = |share: f64| {
        let config = ShadowConfig {
            percent: percent(share),
            ..ShadowConfig::default()
        };
        let copying = copying(&config, Direction::ToService);
        let key = |n: usize| n.is_multiple_of(2).then_some("alice");
        (0..2000).filter(|n| copying.samples(key(*n))).count()
    };
    assert_eq!((of(0.0), of(100.0)), (0, 2000));
    let config = ShadowConfig {
        percent: percent(30.0),
        ..ShadowConfig::default()
    };
    let copying = copying(&config, Direction::ToService);
    let drawn = (0..10_000).filter(|_| copying.samples(None)).count();
    assert!((2500..3500).contains(&drawn), "{drawn}");
}

#[test]
fn other_rules_are_another_comparison() {
    let rules = |change: fn(&mut Rules)| {
        let mut rules = ShadowConfig::default().rules;
        change(&mut rules);
        fingerprint(&rules, Direction::ToService)
    };
    let plain = rules(|_| {});
    assert_eq!(plain, rules(|_| {}));
    for changed in [
        // Kept samples would go on showing it.
        rules(|rules| rules.redact.push("$..email".parse().unwrap())),
        rules(|rules| rules.ignore.push("$.a".parse().unwrap())),
        rules(|rules| rules.headers.clear()),
        fingerprint(&ShadowConfig::default().rules, Direction::ToLegacy),
    ] {
        assert_ne!(plain, changed);
    }
}

fn methods() -> impl Strategy<Value = Vec<Method>> {
    let known = [
        "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PURGE", "get",
    ];
    let known = known.map(|name| Method::from_bytes(name.as_bytes()).unwrap());
    proptest::sample::subsequence(known.to_vec(), 0..=known.len())
}

proptest! {
    /// Whatever else is set, and whatever a caller sends.
    #[test]
    fn a_write_is_copied_only_where_the_file_says_twice_that_it_may_be(
        listed in methods(),
        asked in methods(),
        writes: bool,
        reverse: bool,
        compare: bool,
    ) {
        let config = ShadowConfig { methods: listed.clone(), writes, reverse, compare, ..ShadowConfig::default() };
        for direction in [Direction::ToService, Direction::ToLegacy] {
            let copying = copying(&config, direction);
            for method in &asked {
                let taken = copying.takes(method);
                prop_assert!(!taken || listed.contains(method));
                if !["GET", "HEAD", "OPTIONS"].contains(&method.as_str()) {
                    let may = writes && direction == Direction::ToService;
                    prop_assert!(!taken || may, "{method} {config:?}");
                    prop_assert!(!copying.draws_noise(method));
                }
            }
        }
    }
}
