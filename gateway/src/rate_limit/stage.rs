//! Asks a route's limits about one request, in their order; the first that is over rejects it.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chassis::principal::Principal;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::compiled::Limit;
use super::config::{LimitFields, LimitKey, MissingKey, Mode, When};
use super::state::{Key, Verdict};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEGACY_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const LEGACY_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const LEGACY_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Two keys that nobody outside this process knows.
static HASHERS: LazyLock<[ahash::RandomState; 2]> =
    LazyLock::new(|| [ahash::RandomState::new(), ahash::RandomState::new()]);

/// What a limit may count by.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// The client's address.
    pub client: IpAddr,
    /// The request's fields.
    pub fields: &'a HeaderMap,
    /// The verified caller with all claims, once known.
    pub caller: Option<(&'a Principal, &'a Map<String, Value>)>,
    /// The route's name.
    pub route: &'a str,
}

/// How a caller stands with the limit that was asked last.
#[derive(Clone, Debug)]
pub struct Standing {
    limit: Arc<Limit>,
    remaining: u32,
    reset: Duration,
}

/// A limit that is over.
#[derive(Clone, Debug)]
pub struct Limited {
    /// How the caller stands.
    pub standing: Standing,
    /// Until the next request would pass.
    pub retry_after: Duration,
}

/// Asks `limits` in order. What observes only, only counts.
pub fn check(limits: &[Arc<Limit>], counted: &Counted<'_>) -> Result<Option<Standing>, Limited> {
    let mut last = None;
    for limit in limits {
        if !applies(limit.config.when, counted) {
            continue;
        }
        let plan = counted
            .caller
            .and_then(|(principal, _)| principal.plan.as_deref());
        let verdict = match key(limit, counted) {
            Some(key) => limit.check(key, plan),
            None => Verdict::Over {
                retry_after: limit.config.rate.per,
            },
        };
        let standing = |remaining, reset| Standing {
            limit: Arc::clone(limit),
            remaining,
            reset,
        };
        match (verdict, limit.config.mode) {
            (Verdict::Within { remaining, reset }, _) => last = Some(standing(remaining, reset)),
            (Verdict::Over { .. }, Mode::Observe) => {}
            (Verdict::Over { retry_after }, Mode::Enforce) => {
                return Err(Limited {
                    standing: standing(0, retry_after),
                    retry_after,
                });
            }
        }
    }
    Ok(last)
}

fn applies(when: When, counted: &Counted<'_>) -> bool {
    match when {
        When::Always => true,
        When::Authenticated => counted.caller.is_some(),
        When::Unauthenticated => counted.caller.is_none(),
    }
}

/// `None` when the request lacks the key and the limit denies that.
fn key(limit: &Limit, counted: &Counted<'_>) -> Option<Key> {
    let found = match &limit.config.key {
        LimitKey::Ip => return Some(by_address(counted.client)),
        LimitKey::Route => return Some(hashed(counted.route.as_bytes())),
        LimitKey::User => counted
            .caller
            .map(|(principal, _)| hashed(principal.user.as_bytes())),
        LimitKey::Header(name) => counted
            .fields
            .get(name)
            .map(|value| hashed(value.as_bytes())),
        LimitKey::Claim(name) => {
            counted
                .caller
                .and_then(|(_, claims)| claims.get(name))
                .map(|claim| match claim {
                    Value::String(text) => hashed(text.as_bytes()),
                    other => hashed(other.to_string().as_bytes()),
                })
        }
    };
    match (found, limit.config.on_missing_key) {
        (None, MissingKey::Ip) => Some(by_address(counted.client)),
        (found, _) => found,
    }
}

/// One subscriber has a whole /64 of IPv6.
fn by_address(client: IpAddr) -> Key {
    match client {
        IpAddr::V4(v4) => hashed(&v4.octets()),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => hashed(&v4.octets()),
            None => hashed(&v6.octets()[..8]),
        },
    }
}

fn hashed(bytes: &[u8]) -> Key {
    Key([HASHERS[0].hash_one(bytes), HASHERS[1].hash_one(bytes)])
}

impl Standing {
    /// The limit's name.
    pub fn limit(&self) -> &str {
        &self.limit.config.name
    }

    /// Tells the client how much is left.
    pub fn tell(&self, fields: &mut HeaderMap) {
        let told = self.limit.config.fields;
        let reset = whole_seconds(self.reset);
        if matches!(told, LimitFields::Ietf | LimitFields::Both) {
            let text = format!("\"{}\";r={};t={reset}", self.limit(), self.remaining);
            fields.insert(RATE_LIMIT_POLICY, self.limit.policy.clone());
            fields.insert(
                RATE_LIMIT,
                HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")),
            );
        }
        if matches!(told, LimitFields::Legacy | LimitFields::Both) {
            fields.insert(LEGACY_LIMIT, self.limit.config.burst.get().into());
            fields.insert(LEGACY_REMAINING, self.remaining.into());
            fields.insert(LEGACY_RESET, reset.into());
        }
    }
}

/// Rounded up: a client that waits this long is not early.
pub fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::config::{Rate, RateLimitConfig};
    use std::collections::BTreeMap;
    use std::num::NonZeroU32;

    fn limit(change: impl FnOnce(&mut RateLimitConfig)) -> Arc<Limit> {
        let mut config = RateLimitConfig {
            name: "one".into(),
            key: LimitKey::Ip,
            rate: Rate {
                count: NonZeroU32::MIN,
                per: Duration::from_hours(1),
            },
            burst: NonZeroU32::MIN,
            when: When::Always,
            on_missing_key: MissingKey::Ip,
            mode: Mode::Enforce,
            fields: LimitFields::Both,
            plans: BTreeMap::new(),
        };
        change(&mut config);
        Arc::new(Limit::new(&config))
    }

    fn passes(limit: &Arc<Limit>, counted: &Counted<'_>) -> bool {
        check(std::slice::from_ref(limit), counted).is_ok()
    }

    fn from<'a>(client: &str, fields: &'a HeaderMap) -> Counted<'a> {
        Counted {
            client: client.parse().unwrap(),
            fields,
            caller: None,
            route: "users",
        }
    }

    #[test]
    fn an_ipv6_subscriber_shares_one_bucket() {
        let (limit, fields) = (limit(|_| {}), HeaderMap::new());
        assert!(passes(&limit, &from("2001:db8::1", &fields)));
        assert!(!passes(&limit, &from("2001:db8::ffff:2", &fields)));
        assert!(passes(&limit, &from("2001:db8:0:1::1", &fields)));
        assert!(passes(&limit, &from("192.0.2.1", &fields)));
        assert!(!passes(&limit, &from("::ffff:192.0.2.1", &fields)));
    }

    #[test]
    fn users_have_buckets_of_their_own_and_strangers_count_by_address() {
        let (limit, fields, claims) = (
            limit(|c| c.key = LimitKey::User),
            HeaderMap::new(),
            Map::new(),
        );
        let [ana, bob] = ["ana", "bob"].map(|user| Principal {
            user: user.into(),
            ..Principal::default()
        });
        let by = |principal| Counted {
            caller: Some((principal, &claims)),
            ..from("192.0.2.1", &fields)
        };
        assert!(passes(&limit, &by(&ana)));
        assert!(passes(&limit, &by(&bob)));
        assert!(!passes(&limit, &by(&ana)));
        assert!(passes(&limit, &from("192.0.2.1", &fields)));
        assert!(!passes(&limit, &from("192.0.2.1", &fields)));
    }

    #[test]
    fn a_missing_key_may_be_denied() {
        let limit = limit(|c| {
            c.key = LimitKey::Header("x-tenant".parse().unwrap());
            c.on_missing_key = MissingKey::Deny;
        });
        let mut fields = HeaderMap::new();
        assert!(!passes(&limit, &from("192.0.2.1", &fields)));
        fields.insert("x-tenant", HeaderValue::from_static("a"));
        assert!(passes(&limit, &from("192.0.2.1", &fields)));
    }

    #[test]
    fn a_limit_for_strangers_leaves_users_alone() {
        let limit = limit(|c| c.when = When::Unauthenticated);
        let (fields, claims, ana) = (HeaderMap::new(), Map::new(), Principal::default());
        let known = Counted {
            caller: Some((&ana, &claims)),
            ..from("192.0.2.1", &fields)
        };
        assert!(passes(&limit, &from("192.0.2.1", &fields)));
        assert!(!passes(&limit, &from("192.0.2.1", &fields)));
        assert!(passes(&limit, &known));
    }

    #[test]
    fn observing_counts_and_lets_pass() {
        let (limit, fields) = (limit(|c| c.mode = Mode::Observe), HeaderMap::new());
        assert!(passes(&limit, &from("192.0.2.1", &fields)));
        assert!(passes(&limit, &from("192.0.2.1", &fields)));
        assert_eq!(limit.over.load(std::sync::atomic::Ordering::Relaxed), 1);
    }

    #[test]
    fn the_fields_tell_how_much_is_left() {
        let (limit, fields) = (
            limit(|c| c.burst = NonZeroU32::new(3).unwrap()),
            HeaderMap::new(),
        );
        let standing = check(&[limit], &from("192.0.2.1", &fields))
            .unwrap()
            .unwrap();
        let mut told = HeaderMap::new();
        standing.tell(&mut told);
        assert_eq!(told["ratelimit-policy"], "\"one\";q=1;w=3600");
        assert_eq!(told["ratelimit"], "\"one\";r=2;t=3600");
        assert_eq!(told["x-ratelimit-remaining"], "2");
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
    }
}
