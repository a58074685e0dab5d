//! Which requests of a route are copied, where to, and how the answers are compared.

use std::fmt::{self, Write as _};

use http::Method;
use strangler::murmur3::Murmur3;
use strangler::{Bucketer, Decision, Percent, Phase, Reason, Rules, Side, Tolerance, Unordered};

use super::config::{ShadowConfig, is_safe};
use crate::forward::compiled::Backend;

/// A route's copies.
#[derive(Debug)]
pub struct Copying {
    /// As written.
    pub config: ShadowConfig,
    /// Which way they go.
    pub direction: Direction,
    /// The side that answers clients; asked once more for noise.
    pub answering: Backend,
    /// The side that gets the copies.
    pub target: Backend,
    /// The route's matched prefix.
    pub prefix: String,
    /// Stands for the rules by which answers are compared, in every process alike.
    pub rules: u32,
    /// Puts callers into buckets of their own: with those of a canary, legacy's share would be none of a small sample.
    sample: Bucketer,
}

/// From the side that answers to the one that gets the copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Legacy answers, the service is compared with it.
    ToService,
    /// The service answers, legacy is compared with it, so that the way back stays proven.
    ToLegacy,
}

impl Direction {
    /// The one in which a route copies in this phase, if it does.
    pub fn of(config: &ShadowConfig, phase: Phase, all_to_legacy: bool) -> Option<Self> {
        match phase {
            _ if all_to_legacy => None,
            Phase::Shadow | Phase::Canary => Some(Self::ToService),
            Phase::Migrated => config.reverse.then_some(Self::ToLegacy),
            Phase::Legacy | Phase::Retired => None,
        }
    }
}

impl Copying {
    /// `legacy` and `service` are the compiled sides, `salt` and `epoch` those of the route.
    pub fn new(
        config: &ShadowConfig,
        direction: Direction,
        (legacy, service): (Backend, Backend),
        prefix: &str,
        (salt, epoch): (&str, u32),
    ) -> Self {
        let (answering, target) = match direction {
            Direction::ToService => (legacy, service),
            Direction::ToLegacy => (service, legacy),
        };
        Self {
            config: config.clone(),
            direction,
            answering,
            target,
            prefix: prefix.to_owned(),
            rules: fingerprint(&config.rules, direction),
            sample: Bucketer::new(&format!("{salt}/shadow"), epoch),
        }
    }

    /// Whether a request that was decided so may be copied: not when somebody was kept on a side, or chose one.
    pub fn wants(&self, decision: Decision) -> bool {
        let answering = match self.direction {
            Direction::ToService => Side::Legacy,
            Direction::ToLegacy => Side::Service,
        };
        decision.side == answering
            && match decision.reason {
                Reason::Phase
                | Reason::RolledBack
                | Reason::Method
                | Reason::NoKey
                | Reason::Bucket => true,
                Reason::Forced
                | Reason::Killed
                | Reason::Denied
                | Reason::Override
                | Reason::FlagOff
                | Reason::Allowed
                | Reason::Capped
                | Reason::Failover => false,
            }
    }

    /// Whether this caller is among those whose requests are copied: always the same ones, so that whole flows can be
    /// compared. Whoever has no key is drawn anew with each request.
    pub fn samples(&self, key: Option<&str>) -> bool {
        let percent = self.config.percent;
        match key {
            _ if percent == Percent::ALL => true,
            _ if percent == Percent::NONE => false,
            Some(key) => self.sample.bucket(key).is_within(percent),
            None => is_drawn(percent),
        }
    }

    /// Whether this method is copied. A write is only when the file says twice that it may be, and never to legacy.
    pub fn takes(&self, method: &Method) -> bool {
        let listed = self.config.methods.contains(method);
        let sandbox = self.config.writes && self.direction == Direction::ToService;
        listed && (is_safe(method) || sandbox)
    }

    /// Whether the side that answered is asked a second time for this pair.
    pub fn draws_noise(&self, method: &Method) -> bool {
        self.config.compare && is_safe(method) && is_drawn(self.config.noise)
    }
}

/// Pairs that were compared otherwise cannot be added up.
pub(super) fn fingerprint(rules: &Rules, direction: Direction) -> u32 {
    let mut text = format!("{direction:?}");
    let mut say = |what: &str, said: &dyn fmt::Display| {
        let _ = write!(text, "\n{what} {said}");
    };
    for path in &rules.ignore {
        say("ignore", path);
    }
    for Unordered { path, key } in &rules.unordered {
        say("unordered", path);
        say(
            "key",
            key.as_ref().map_or(&"" as &dyn fmt::Display, |key| key),
        );
    }
    for Tolerance { path, abs } in &rules.tolerance {
        say("tolerance", path);
        say("abs", abs);
    }
    for name in &rules.headers {
        say("header", name);
    }
    // Samples that were kept before show what must not be shown from now on.
    for path in &rules.redact {
        say("redact", path);
    }
    let mut hash = Murmur3::default();
    hash.write(text.as_bytes());
    hash.finish()
}

fn is_drawn(percent: Percent) -> bool {
    fastrand::u16(..Percent::ALL.hundredths()) < percent.hundredths()
}

#[cfg(test)]
pub(super) mod tests;
