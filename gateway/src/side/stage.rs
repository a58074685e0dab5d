//! Decides the side of one request: whether it may choose, what the rules say.

use std::net::IpAddr;

use chassis::principal::Principal;
use http::{HeaderMap, Method};
use strangler::{Caller, Decision, Side};

use super::compiled::Migration;
use super::config::OverrideRequire;

/// What the decision looks at. The fields are the client's, before anything was taken from them.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The verified caller.
    pub principal: Option<&'a Principal>,
    /// What keeps the caller on one side.
    pub key: Option<&'a str>,
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
    /// It tried to choose a side and may not.
    pub override_refused: bool,
}

/// Decides.
pub fn decide(migration: &Migration, asking: &Asking<'_>) -> Outcome {
    let chosen = chosen(migration, asking);
    let caller = Caller {
        user: asking.principal.map(|principal| principal.user.as_str()),
        groups: asking.principal.map_or(&[], |principal| &principal.groups),
        method: asking.method.as_str(),
        key: asking.key,
        chosen: chosen.unwrap_or_default(),
    };
    Outcome {
        decision: migration.rules.decide(&caller),
        override_refused: chosen.is_err(),
    }
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
    use strangler::{Bucketer, Over, People, Percent, Phase, Reason, Split};

    use crate::side::config::OverrideConfig;

    fn migration(require: OverrideRequire) -> Migration {
        let config = crate::side::config::MigrationConfig {
            legacy: None,
            service: None,
            phase: Phase::Canary,
            forced_legacy: false,
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
            over: Over::default(),
            rollout: crate::judge::config::RolloutConfig::default(),
            judge: Box::default(),
            shadow: None,
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
            key: None,
            method: &Method::GET,
            fields,
            client: "10.0.0.1".parse().unwrap(),
        }
    }

    fn scope() -> OverrideRequire {
        OverrideRequire::Scope("gateway.override".into())
    }

    #[test]
    fn the_key_decides_and_without_one_legacy_answers() {
        let migration = migration(scope());
        let none = fields(&[]);
        for (key, side, reason) in [
            (Some("alice"), Side::Service, Reason::Bucket),
            (Some("bob"), Side::Legacy, Reason::Bucket),
            (None, Side::Legacy, Reason::NoKey),
        ] {
            let asking = Asking {
                key,
                ..asking(&none, None)
            };
            let decision = decide(&migration, &asking).decision;
            assert_eq!((decision.side, decision.reason), (side, reason));
            let bucket = key.map(|key| Bucketer::new("orders-v2", 1).bucket(key));
            assert_eq!(decision.bucket, bucket);
        }
    }

    #[test]
    fn only_the_trusted_may_choose() {
        let by_scope = migration(scope());
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

        let by_address = migration(OverrideRequire::Cidr("10.0.0.0/8".parse().unwrap()));
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
