//! What the file says of a breaker.

use std::time::Duration;

/// As written: `[upstream.NAME.breaker]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// It opens when so large a share of calls fails: no connection, no answer in time, 502, 503, 504.
    pub failure_rate: f64,
    /// Whether 500 is a failure too.
    pub count_500: bool,
    /// It opens when so large a share of calls is slow; 1 is never. Unless it is 1, a slow probe is a failed one.
    pub slow_rate: f64,
    /// What is slow.
    pub slower_than: Duration,
    /// Over how long.
    pub window: Duration,
    /// It stays closed below so many calls in the window.
    pub min_calls: u32,
    /// How long it is open at first; it doubles while calls go on to fail. Up to a tenth less is drawn each time, so
    /// that many instances do not come back at once. Recovery takes as long.
    pub open: Duration,
    /// It is open for no longer.
    pub open_max: Duration,
    /// So many calls at once may find out whether the upstream is well again.
    pub probes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            failure_rate: 0.5,
            count_500: false,
            slow_rate: 1.0,
            slower_than: Duration::from_secs(5),
            window: Duration::from_secs(10),
            min_calls: 20,
            open: Duration::from_secs(5),
            open_max: Duration::from_mins(1),
            probes: 5,
        }
    }
}

impl Settings {
    pub(super) fn minds_slowness(&self) -> bool {
        self.slow_rate < 1.0
    }
}
