//! How a canary is led, as written: `canary.steps` and what stands beside them, `[route.NAME.judge]`.

use std::time::Duration;

use strangler::Percent;
use strangler::judge::Rules;

/// How a route's canary is led.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutConfig {
    /// The shares that the judge leads through, each larger than the one before, `holdback` taken off; empty where a
    /// person leads by `percent`, or a flag does.
    pub steps: Vec<Percent>,
    /// The judge may go on to the next step.
    pub auto_advance: bool,
    /// The judge may take the callers back.
    pub auto_rollback: bool,
    /// After so many rollbacks only a person lets the canary in again.
    pub max_rollbacks: u32,
    /// So many requests at once at most on the service; 0 is no cap.
    pub max_concurrent: u32,
    /// A read that fails on the service is answered by legacy.
    pub failover: bool,
}

/// How a route's canary is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgeConfig {
    /// How often.
    pub interval: Duration,
    /// What counts as failed.
    pub failures: Failures,
    /// The rest.
    pub rules: Rules,
}

/// What counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// An answer that says so: a status from 500 on, a grpc-status that is the server's fault.
    pub answers: bool,
    /// No answer within our own time.
    pub timeouts: bool,
    /// No connection, or none that held.
    pub connections: bool,
}

impl Default for RolloutConfig {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            auto_advance: true,
            auto_rollback: true,
            max_rollbacks: 2,
            max_concurrent: 0,
            failover: false,
        }
    }
}

impl Default for JudgeConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10),
            failures: Failures::default(),
            rules: Rules::default(),
        }
    }
}

impl Default for Failures {
    fn default() -> Self {
        Self {
            answers: true,
            timeouts: true,
            connections: true,
        }
    }
}
