use std::time::Duration;

use upstream::health;

use super::*;

fn config(endpoints: &[(&str, u16)]) -> UpstreamConfig {
    let endpoint = |(host, port): &(&str, u16)| EndpointConfig {
        lookup: Lookup::Address,
        host: (*host).to_owned(),
        port: *port,
        base_path: String::new(),
        weight: 1,
    };
    UpstreamConfig {
        name: "users".to_owned(),
        endpoints: endpoints.iter().map(endpoint).collect(),
        endpoints_file: None,
        balance: upstream::balance::Balance::default(),
        slow_start: Duration::from_secs(10),
        host: HostPolicy::Preserve,
        connect_timeout: Duration::from_secs(2),
        pool_idle: 128,
        pool_idle_timeout: Duration::from_mins(1),
        health: None,
        ejection: upstream::ejection::Settings::default(),
        breaker: None,
        bulkhead: None,
        retry: upstream::retry::Settings::default(),
    }
}

#[test]
fn what_is_as_it_was_stays_the_same() {
    let first = Endpoints::new(&config(&[("10.0.0.1", 80)]), None);
    let elsewhere = UpstreamConfig {
        connect_timeout: Duration::from_secs(1),
        ..config(&[("10.0.0.1", 80)])
    };
    let second = Endpoints::new(&elsewhere, Some(&first));
    assert!(Arc::ptr_eq(&first.discovery, &second.discovery));
}

#[test]
fn an_endpoint_that_stays_in_the_list_is_the_same_one() {
    let first = Endpoints::new(&config(&[("10.0.0.1", 80), ("10.0.0.2", 80)]), None);
    let second = Endpoints::new(&config(&[("10.0.0.3", 80), ("10.0.0.2", 80)]), Some(&first));
    let (before, after) = (first.discovery.fleet(), second.discovery.fleet());
    assert!(!Arc::ptr_eq(before, after));
    assert!(Arc::ptr_eq(
        &before.members()[1].endpoint,
        &after.members()[1].endpoint
    ));
}

#[test]
fn other_checks_of_the_same_endpoints_leave_the_endpoints_alone() {
    let checked = |path: &str| UpstreamConfig {
        health: Some(health::Settings {
            path: path.to_owned(),
            ..health::Settings::default()
        }),
        ..config(&[("10.0.0.1", 80)])
    };
    let first = Endpoints::new(&checked("/a"), None);
    let same = Endpoints::new(&checked("/a"), Some(&first));
    let other = Endpoints::new(&checked("/b"), Some(&first));
    let checks = |endpoints: &Endpoints| Arc::clone(endpoints.checks.as_ref().unwrap());
    assert!(Arc::ptr_eq(&checks(&first), &checks(&same)));
    assert!(!Arc::ptr_eq(&checks(&first), &checks(&other)));
    assert!(Arc::ptr_eq(
        first.discovery.fleet(),
        other.discovery.fleet()
    ));
    assert!(
        Endpoints::new(&config(&[("10.0.0.1", 80)]), Some(&first))
            .checks
            .is_none()
    );
}

#[test]
fn a_name_has_to_be_looked_up_and_an_address_has_not() {
    let named = Endpoints::new(&config(&[("users", 80)]), None);
    assert!(named.discovery.follows() && !named.discovery.fleet().is_known());
    let written = Endpoints::new(&config(&[("::1", 80), ("localhost", 81)]), None);
    assert!(!written.discovery.follows() && written.discovery.fleet().is_known());
}
