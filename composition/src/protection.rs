//! What stands between a screen and a backend: places, and where no gateway does it, retries, a breaker, second tries.

use std::time::Duration;

use upstream::{breaker, bulkhead, hedge, retry};

/// Slower is slow: what a part waits for when it does not say.
const SLOW: Duration = Duration::from_millis(500);

/// How calls to a backend are protected.
#[derive(Clone, Debug, PartialEq)]
pub struct Protection {
    /// How many it may have at once. Nobody queues: who finds no place is refused at once.
    pub places: bulkhead::Settings,
    /// When one is tried again.
    pub retry: retry::Settings,
    /// What keeps it from being made.
    pub breaker: Option<breaker::Settings>,
    /// What makes a second try beside the first.
    pub hedge: Option<hedge::Settings>,
}

impl Protection {
    /// The gateway repeats and breaks: if this did too, a backend in trouble would have the product of both. Only a
    /// gateway that takes no connection is asked once more.
    pub fn by_gateway(places: u32) -> Self {
        Self {
            places: bulkhead::Settings {
                concurrent: places,
                wait: Duration::ZERO,
            },
            retry: retry::Settings {
                on: retry::On::no_connection(),
                ..retry::Settings::default()
            },
            breaker: None,
            hedge: None,
        }
    }

    /// Nobody else does it.
    pub fn own(places: u32) -> Self {
        Self {
            retry: retry::Settings::default(),
            breaker: Some(breaker::Settings {
                slow_rate: 0.8,
                slower_than: SLOW,
                ..breaker::Settings::default()
            }),
            hedge: Some(hedge::Settings::default()),
            ..Self::by_gateway(places)
        }
    }
}
