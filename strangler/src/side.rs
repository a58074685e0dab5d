//! Which side answers one request: the first rule that applies decides, and says so.

use std::collections::BTreeSet;
use std::fmt;

use crate::bucket::{Bucket, Bucketer};
use crate::percent::Percent;
use crate::phase::Phase;

/// The two sides of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The monolith.
    Legacy,
    /// What replaces it.
    Service,
}

/// Why a side was chosen. The order of the rules is the order of the variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// `force = "legacy"`: the operator's word over everything.
    Forced,
    /// The same, said at run time.
    Killed,
    /// The phase leaves no choice.
    Phase,
    /// The caller is on the deny list.
    Denied,
    /// A caller who may choose has chosen.
    Override,
    /// The canary was taken back.
    RolledBack,
    /// The flag is switched off.
    FlagOff,
    /// This method stays on legacy during a canary.
    Method,
    /// The caller is on the allow list.
    Allowed,
    /// Nothing about the request says who it is.
    NoKey,
    /// The caller's bucket against the percentage.
    Bucket,
    /// Their bucket says the service, which has as many requests of this route as it may have at once.
    Capped,
    /// Their bucket says the service, which failed.
    Failover,
}

/// The answer, with its why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Who answers.
    pub side: Side,
    /// Which rule said so.
    pub reason: Reason,
    /// The caller's bucket, where one was asked for.
    pub bucket: Option<Bucket>,
}

/// Users and groups, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Users by id.
    pub users: BTreeSet<String>,
    /// Everybody in one of these groups.
    pub groups: BTreeSet<String>,
}

/// How a canary splits its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Off sends everybody to legacy: a flag's switch.
    pub enabled: bool,
    /// The share of buckets that the service answers.
    pub percent: Percent,
    /// The methods that may move; writes stay behind unless listed.
    pub methods: BTreeSet<String>,
    /// Always the service.
    pub allow: People,
    /// Never the service; wins over `allow`.
    pub deny: People,
}

/// What stands over the file at run time; by default nothing does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Over {
    /// The phase in force, where the declared one may not be entered yet.
    pub phase: Option<Phase>,
    /// All to legacy, whatever else is said.
    pub killed: bool,
    /// The canary was taken back: nobody moves but who is let in by name.
    pub rolled_back: bool,
    /// How often the buckets were shuffled anew since the file's epoch.
    pub epochs: u32,
    /// The share of buckets that the service answers, where the judge leads.
    pub share: Option<Percent>,
    /// Counts the steps of the route's canaries: what was seen belongs to one of them.
    pub step: u32,
}

/// One route's migration, compiled.
#[derive(Clone, Debug)]
pub struct Migration {
    /// How far it has got.
    pub phase: Phase,
    /// All to legacy, whatever else is said.
    pub forced_legacy: bool,
    /// All to legacy, said at run time.
    pub killed: bool,
    /// Nobody moves by bucket or list.
    pub rolled_back: bool,
    /// Who moves during a canary.
    pub split: Split,
    /// Puts sticky keys into buckets.
    pub bucketer: Bucketer,
}

/// What the decision asks about a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller<'a> {
    /// The verified user.
    pub user: Option<&'a str>,
    /// The verified user's groups.
    pub groups: &'a [String],
    /// The request's method.
    pub method: &'a str,
    /// What keeps this caller on one side: the first sticky source that is present.
    pub key: Option<&'a str>,
    /// The side that a caller who may choose asked for.
    pub chosen: Option<Side>,
}

impl Migration {
    /// Decides. Called once per request, after authentication; retries keep the answer.
    pub fn decide(&self, caller: &Caller<'_>) -> Decision {
        let bucket = match self.phase {
            Phase::Canary => caller.key.map(|key| self.bucketer.bucket(key)),
            _ => None,
        };
        let (side, reason) = self
            .by_rule(caller)
            .unwrap_or_else(|| self.by_bucket(bucket));
        Decision {
            side,
            reason,
            bucket,
        }
    }

    fn by_rule(&self, caller: &Caller<'_>) -> Option<(Side, Reason)> {
        use Side::{Legacy, Service};
        let split = &self.split;
        if self.forced_legacy {
            return Some((Legacy, Reason::Forced));
        }
        if self.killed {
            return Some((Legacy, Reason::Killed));
        }
        match self.phase {
            Phase::Legacy | Phase::Shadow => return Some((Legacy, Reason::Phase)),
            Phase::Migrated | Phase::Retired => return Some((Service, Reason::Phase)),
            Phase::Canary => {}
        }
        if split.deny.include(caller) {
            return Some((Legacy, Reason::Denied));
        }
        if let Some(side) = caller.chosen {
            return Some((side, Reason::Override));
        }
        if self.rolled_back {
            return Some((Legacy, Reason::RolledBack));
        }
        if !split.enabled {
            return Some((Legacy, Reason::FlagOff));
        }
        if !split.methods.contains(caller.method) {
            return Some((Legacy, Reason::Method));
        }
        split
            .allow
            .include(caller)
            .then_some((Service, Reason::Allowed))
    }

    fn by_bucket(&self, bucket: Option<Bucket>) -> (Side, Reason) {
        match bucket {
            None => (Side::Legacy, Reason::NoKey),
            Some(bucket) if bucket.is_within(self.split.percent) => (Side::Service, Reason::Bucket),
            Some(_) => (Side::Legacy, Reason::Bucket),
        }
    }
}

impl People {
    /// Nobody is listed.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }

    fn include(&self, caller: &Caller<'_>) -> bool {
        let by_name = caller.user.is_some_and(|user| self.users.contains(user));
        by_name
            || caller
                .groups
                .iter()
                .any(|group| self.groups.contains(group))
    }
}

impl Side {
    /// As `x-served-by` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Service => "service",
        }
    }
}

impl Decision {
    /// Legacy answers in the service's place, for `reason`.
    #[must_use]
    pub fn instead(self, reason: Reason) -> Self {
        Self {
            side: Side::Legacy,
            reason,
            ..self
        }
    }
}

impl Reason {
    /// Whether legacy answers in the place of the service, whose the caller is.
    pub fn is_instead(self) -> bool {
        matches!(self, Self::Capped | Self::Failover)
    }

    /// One word for log lines and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forced => "forced",
            Self::Killed => "killed",
            Self::Phase => "phase",
            Self::Denied => "denied",
            Self::Override => "override",
            Self::RolledBack => "rolled_back",
            Self::FlagOff => "flag_off",
            Self::Method => "method",
            Self::Allowed => "allowed",
            Self::NoKey => "no_key",
            Self::Bucket => "bucket",
            Self::Capped => "capped",
            Self::Failover => "failover",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests;
