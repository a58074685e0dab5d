//! By which rules a canary is judged.

use std::time::Duration;

/// The rules of one route.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// How often, of all canaries that are as good as legacy, one may be rolled back: over all steps and both tests.
    pub alpha: f64,
    /// How much larger the service's share of failed requests may be.
    pub max_error_rate_delta: f64,
    /// A request is slow above so many times legacy's p99; nothing where latency is not judged.
    pub p99_tolerance: Option<f64>,
    /// So many key-ticks, a key active in a tick, are needed on each side before a step advances.
    pub min_samples: u64,
    /// So many keys must have failed, or been slow, before a step is rolled back for it.
    pub min_errors: u64,
    /// Above this share of failed keys, among at least twenty, nobody waits for evidence.
    pub hard_error_rate: f64,
    /// A step that is still undecided after `step_max` is rolled back.
    pub rolls_back_undecided: bool,
    /// A step is looked at for its advance each time that so much time has passed.
    pub step_min: Duration,
    /// After this time a step counts as undecided.
    pub step_max: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            alpha: 0.05,
            max_error_rate_delta: 0.005,
            p99_tolerance: Some(1.2),
            min_samples: 600,
            min_errors: 5,
            hard_error_rate: 0.5,
            rolls_back_undecided: false,
            step_min: Duration::from_mins(10),
            step_max: Duration::from_hours(2),
        }
    }
}
