use chassis::identity::Trust;
use http::HeaderMap;

use super::*;
use crate::backend::Backend;
use crate::cohort::Routed;
use crate::json::Raw;

fn key() -> Key {
    let backend = Backend::new("catalog", "x", 80, "", 1).unwrap();
    let call = Call::<Raw>::get(&backend, "/1").kept(Kept::by_all(Duration::from_secs(1)));
    let (inbound, _) = Inbound::read(&HeaderMap::new(), Trust::Trusted, None, Instant::now());
    Key::of(&call, &inbound).unwrap().0
}

fn from(route: &str, generation: u64, audience: Audience) -> Provenance {
    Provenance {
        side: None,
        route: Some(Routed {
            route: route.into(),
            generation,
        }),
        audience,
    }
}

fn stored(from: &Provenance) -> Stored {
    Stored {
        value: Arc::new(()),
        from: from.clone(),
        at: Instant::now(),
        size: 1,
    }
}

/// What is there under the key.
fn there(cache: &Cache) -> Vec<Provenance> {
    let of = |side| {
        let is_its = |stored: &Stored| stored.from.audience == side;
        cache.find(&key(), is_its).map(|stored| stored.from)
    };
    let sides = [Side::Legacy, Side::Service].map(Audience::On);
    let all = [Audience::Everybody].into_iter().chain(sides);
    all.filter_map(of).collect()
}

fn with(all: &[&Provenance]) -> Cache {
    let cache = Cache::new(100_000);
    for from in all {
        cache.keep(key(), &stored(from));
    }
    cache
}

const LEGACY: Audience = Audience::On(Side::Legacy);
const SERVICE: Audience = Audience::On(Side::Service);

#[test]
fn what_is_late_takes_no_younger_ones_place() {
    let old = from("products", 1, Audience::Everybody);
    let new = [LEGACY, SERVICE].map(|side| from("products", 2, side));
    assert_eq!(there(&with(&[&new[0], &old, &new[1], &old])), new);
    assert_eq!(there(&with(&[&old, &new[0]])), [new[0].clone()]);
    let other = from("other", 1, Audience::Everybody);
    assert_eq!(there(&with(&[&new[0], &other])), [other]);
}

#[test]
fn what_says_that_a_thing_is_gone_purges_what_came_of_the_same_route_and_time_and_side() {
    let kept = [LEGACY, SERVICE].map(|side| from("products", 2, side));
    let left = |from: &Provenance| {
        let cache = with(&[&kept[0], &kept[1]]);
        cache.forget(&key(), from);
        there(&cache).len()
    };
    assert_eq!(left(&from("products", 2, SERVICE)), 1);
    assert_eq!(left(&from("products", 2, Audience::Everybody)), 0);
    assert_eq!(left(&from("products", 2, Audience::Nobody)), 0);
    for generation in [0, 1, 3] {
        for audience in [Audience::Everybody, SERVICE] {
            assert_eq!(left(&from("products", generation, audience)), 2);
        }
    }
    assert_eq!(left(&from("other", 2, Audience::Everybody)), 2);
    assert_eq!(left(&Provenance::default()), 2);
}

#[test]
fn without_a_gateway_what_is_gone_is_purged() {
    let cache = with(&[&Provenance::default()]);
    assert_eq!(there(&cache).len(), 1);
    cache.forget(&key(), &Provenance::default());
    assert_eq!(there(&cache).len(), 0);
}
