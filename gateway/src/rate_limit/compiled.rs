//! A limit as the data path uses it, and a route's limits in the order in which they run.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

use super::config::{LimitKey, Rate, RateLimitConfig, When};
use super::state::{Buckets, Key, Verdict};

/// One limit. Kept over a reload that leaves its table as it was, buckets and all.
#[derive(Debug)]
pub struct Limit {
    /// As written.
    pub config: RateLimitConfig,
    /// `RateLimit-Policy`, ready to be sent.
    pub policy: HeaderValue,
    /// How many requests it rejected, or would have in observe mode.
    pub over: AtomicU64,
    buckets: Buckets,
    plans: BTreeMap<String, Buckets>,
}

impl Limit {
    /// Full buckets.
    pub fn new(config: &RateLimitConfig) -> Self {
        let plan = |(name, rate): (&String, &Rate)| {
            (name.clone(), Buckets::new(*rate, scaled(config, *rate)))
        };
        Self {
            policy: policy(config),
            over: AtomicU64::new(0),
            buckets: Buckets::new(config.rate, config.burst),
            plans: config.plans.iter().map(plan).collect(),
            config: config.clone(),
        }
    }

    /// Takes one from the key's bucket, at the plan's rate where the plan has one.
    pub fn check(&self, key: Key, plan: Option<&str>) -> Verdict {
        let buckets = plan
            .and_then(|plan| self.plans.get(plan))
            .unwrap_or(&self.buckets);
        let verdict = buckets.check(key);
        if let Verdict::Over { .. } = verdict {
            self.over.fetch_add(1, Ordering::Relaxed);
        }
        verdict
    }
}

/// `"per_user";q=100;w=1`, as the IETF draft on `RateLimit` fields has it.
fn policy(config: &RateLimitConfig) -> HeaderValue {
    let RateLimitConfig { name, rate, .. } = config;
    let text = format!("\"{name}\";q={};w={}", rate.count, rate.per.as_secs());
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("\"limit\""))
}

/// A plan with five times the rate may burst five times as high.
fn scaled(config: &RateLimitConfig, rate: Rate) -> NonZeroU32 {
    let per_second = |rate: Rate| f64::from(rate.count.get()) / rate.per.as_secs_f64();
    let burst = f64::from(config.burst.get()) * per_second(rate) / per_second(config.rate);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped"
    )]
    let burst = burst.clamp(1.0, f64::from(u32::MAX)) as u32;
    NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN)
}

/// A route's limits.
#[derive(Debug, Default)]
pub struct RouteLimits {
    /// By address for everybody: before any signature is checked.
    pub before_auth: Vec<Arc<Limit>>,
    /// The others, once the caller is known.
    pub after_auth: Vec<Arc<Limit>>,
}

impl RouteLimits {
    /// Splits the limits that a route names, in its order.
    pub fn new(limits: impl Iterator<Item = Arc<Limit>>) -> Self {
        let (before_auth, after_auth) = limits.partition(|limit| {
            limit.config.key == LimitKey::Ip && limit.config.when == When::Always
        });
        Self {
            before_auth,
            after_auth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::config::{LimitFields, MissingKey, Mode};
    use std::time::Duration;

    #[test]
    fn a_plan_scales_the_burst_and_the_policy_names_quota_and_window() {
        let rate = |count, per| Rate {
            count: NonZeroU32::new(count).unwrap(),
            per: Duration::from_secs(per),
        };
        let config = RateLimitConfig {
            name: "per_user".into(),
            key: LimitKey::User,
            rate: rate(100, 1),
            burst: NonZeroU32::new(200).unwrap(),
            when: When::Always,
            on_missing_key: MissingKey::default(),
            mode: Mode::default(),
            fields: LimitFields::default(),
            plans: BTreeMap::new(),
        };
        assert_eq!(policy(&config), "\"per_user\";q=100;w=1");
        assert_eq!(scaled(&config, rate(500, 1)).get(), 1000);
        assert_eq!(scaled(&config, rate(60, 60)).get(), 2);
        assert_eq!(scaled(&config, rate(1, 3600)).get(), 1);
    }
}
