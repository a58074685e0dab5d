//! Decides the side of one request: what keeps it on a side, whether it may choose, what the rules say.

use std::net::IpAddr;

use chassis::principal::Principal;
use http::{HeaderMap, Method};
use strangler::{Caller, Decision, Side};

use super::compiled::Migration;
use super::config::{OverrideRequire, Sticky};
use super::visitor;

/// What the decision looks at. The fields are the client's, before anything was taken from them.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The verified caller.
    pub principal: Option<&'a Principal>,
    /// The method.
    pub method: &'a Method,
    /// The fields.
    pub fields: &'a HeaderMap,
    /// The client's address.
    pub client: IpAddr,
}

/// What was decided, and what it leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The side.
    pub decision: Decision,
    /// Nothing says who this is, and the route would give it an id.
    pub wants_visitor: bool,
    /// It tried to choose a side and may not.
    pub override_refused: bool,
}

/// Decides.
pub fn decide(migration: &Migration, asking: &Asking<'_>) -> Outcome {
    let key = key(migration, asking);
    let chosen = chosen(migration, asking);
    let caller = Caller {
        user: asking.principal.map(|principal| principal.user.as_str()),
        groups: asking.principal.map_or(&[], |principal| &principal.groups),
        method: asking.method.as_str(),
        key,
        chosen: chosen.unwrap_or_default(),
    };
    let wants_visitor = key.is_none()
        && migration.sticky.contains(&Sticky::Visitor)
        && visitor::loads_a_page(asking.method, asking.fields);
    Outcome {
        decision: migration.rules.decide(&caller),
        wants_visitor,
        override_refused: chosen.is_err(),
    }
}

/// The first sticky source that the request has.
fn key<'a>(migration: &Migration, asking: &Asking<'a>) -> Option<&'a str> {
    migration.sticky.iter().find_map(|source| match source {
        Sticky::User => asking.principal.map(|principal| principal.user.as_str()),
        Sticky::Cookie(name) => visitor::cookie(asking.fields, name),
        Sticky::Header(name) => asking
            .fields
            .get(name)
            .and_then(|value| value.to_str().ok()),
        Sticky::Visitor => visitor::id(asking.fields),
    })
}

/// An override that may not be used.
#[derive(Clone, Copy)]
struct Refused;

fn chosen(migration: &Migration, asking: &Asking<'_>) -> Result<Option<Side>, Refused> {
    let Some(chooser) = &migration.chooser else {
        return Ok(None);
    };
    let Some(value) = asking.fields.get(&chooser.header) else {
        return Ok(None);
    };
    let trusted = match &chooser.require {
        OverrideRequire::Scope(scope) => asking
            .principal
            .is_some_and(|principal| principal.scopes.contains(scope)),
        OverrideRequire::Cidr(network) => network.contains(&asking.client.to_canonical()),
    };
    match value.as_bytes() {
        _ if !trusted => Err(Refused),
        b"legacy" => Ok(Some(Side::Legacy)),
        b"service" => Ok(Some(Side::Service)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use http::HeaderValue;
    use strangler::{Bucketer, People, Percent, Phase, Reason, Split};

    use crate::side::config::OverrideConfig;

    fn migration(sticky: &[Sticky], require: OverrideRequire) -> Migration {
        let config = crate::side::config::MigrationConfig {
            legacy: None,
            service: None,
            phase: Phase::Canary,
            forced_legacy: false,
            sticky: sticky.to_vec(),
            salt: "orders-v2".into(),
            epoch: 1,
            chooser: Some(OverrideConfig {
                header: "x-side".parse().unwrap(),
                require,
            }),
            split: Split {
                enabled: true,
                percent: Percent::try_from(5.0).unwrap(),
                methods: BTreeSet::from(["GET".into()]),
                allow: People::default(),
                deny: People::default(),
            },
            flag: None,
        };
        Migration::new(&config, None, None)
    }

    fn fields(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    fn asking<'a>(fields: &'a HeaderMap, principal: Option<&'a Principal>) -> Asking<'a> {
        Asking {
            principal,
            method: &Method::GET,
            fields,
            client: "10.0.0.1".parse().unwrap(),
        }
    }

    fn scope() -> OverrideRequire {
        OverrideRequire::Scope("gateway.override".into())
    }

    #[test]
    fn the_first_sticky_source_that_is_there_counts() {
        let sources = [
            Sticky::User,
            Sticky::Cookie("sid".into()),
            Sticky::Header("x-device-id".parse().unwrap()),
            Sticky::Visitor,
        ];
        let migration = migration(&sources, scope());
        let bucket_of = |key: &str| Some(Bucketer::new("orders-v2", 1).bucket(key));
        let alice = Principal {
            user: "alice".into(),
            ..Principal::default()
        };
        let all = fields(&[("cookie", "x=1; sid=s7; banyan=v7"), ("x-device-id", "d7")]);
        for (fields, principal, key) in [
            (&all, Some(&alice), "alice"),
            (&all, None, "s7"),
            (
                &fields(&[("cookie", "banyan=v7"), ("x-device-id", "d7")]),
                None,
                "d7",
            ),
            (&fields(&[("cookie", "banyan=v7")]), None, "v7"),
        ] {
            let outcome = decide(&migration, &asking(fields, principal));
            assert_eq!(outcome.decision.bucket, bucket_of(key), "{key}");
            assert!(!outcome.wants_visitor);
        }
    }

    #[test]
    fn a_page_load_of_nobody_is_answered_by_legacy_and_wants_an_id() {
        let migration = migration(&[Sticky::User, Sticky::Visitor], scope());
        let page = fields(&[("accept", "text/html")]);
        let outcome = decide(&migration, &asking(&page, None));
        assert_eq!(
            (outcome.decision.side, outcome.decision.reason),
            (Side::Legacy, Reason::NoKey)
        );
        assert!(outcome.wants_visitor);
        assert!(!decide(&migration, &asking(&fields(&[("accept", "*/*")]), None)).wants_visitor);
    }

    #[test]
    fn only_the_trusted_may_choose() {
        let by_scope = migration(&[Sticky::User], scope());
        let wish = fields(&[("x-side", "service")]);
        let mut bob = Principal {
            user: "bob".into(),
            ..Principal::default()
        };
        let refused = decide(&by_scope, &asking(&wish, Some(&bob)));
        assert!(refused.override_refused);
        assert_eq!(refused.decision.side, Side::Legacy);
        bob.scopes.push("gateway.override".into());
        let granted = decide(&by_scope, &asking(&wish, Some(&bob)));
        assert_eq!(
            (granted.decision.side, granted.decision.reason),
            (Side::Service, Reason::Override)
        );

        let by_address = migration(
            &[Sticky::User],
            OverrideRequire::Cidr("10.0.0.0/8".parse().unwrap()),
        );
        assert_eq!(
            decide(&by_address, &asking(&wish, None)).decision.reason,
            Reason::Override
        );
        let outside = Asking {
            client: "192.0.2.1".parse().unwrap(),
            ..asking(&wish, None)
        };
        assert!(decide(&by_address, &outside).override_refused);
    }
}
