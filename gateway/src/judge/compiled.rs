//! A route's canary as the data path uses it: which step it is in, and what counts as failed.

use super::config::{Failures, JudgeConfig};

/// A canary that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary {
    /// What is seen belongs to this step.
    pub step: u32,
    /// What counts as failed.
    pub failures: Failures,
}

impl Canary {
    /// In its step `step`.
    pub fn new(judge: &JudgeConfig, step: u32) -> Self {
        Self {
            step,
            failures: judge.failures,
        }
    }
}
