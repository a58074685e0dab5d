//! When an endpoint that fails in a row is left out, and for how long: passive health.

use std::time::Duration;

/// As written: `[upstream.NAME.ejection]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// So many failures in a row, 5xx or no answer, put an endpoint out; 0 is never.
    pub consecutive_5xx: u32,
    /// A row ends after so long without another failure. Each such time in use takes one off how often an endpoint was
    /// put out.
    pub interval: Duration,
    /// How long it is out, times how often it was.
    pub base: Duration,
    /// No more are put out once so many hundredths are. One always stays.
    pub max_percent: u8,
    /// When fewer hundredths are well, all are asked: then it is not they who are ill.
    pub panic_below: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            consecutive_5xx: 5,
            interval: Duration::from_secs(10),
            base: Duration::from_secs(30),
            max_percent: 50,
            panic_below: 50,
        }
    }
}
