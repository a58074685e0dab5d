//! A route's canary as the data path uses it: which step it is in, what counts as failed, and when legacy steps in.

use std::num::NonZeroU32;

use super::config::{Failures, JudgeConfig, RolloutConfig};

/// A canary that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary {
    /// What is seen belongs to this step.
    pub step: u32,
    /// What counts as failed.
    pub failures: Failures,
    /// So many requests at once at most on the service.
    pub max_concurrent: Option<NonZeroU32>,
    /// Legacy answers a read on which the service failed.
    pub failover: bool,
}

impl Canary {
    /// In its step `step`.
    pub fn new(rollout: &RolloutConfig, judge: &JudgeConfig, step: u32) -> Self {
        Self {
            step,
            failures: judge.failures,
            max_concurrent: NonZeroU32::new(rollout.max_concurrent),
            failover: rollout.failover,
        }
    }
}
