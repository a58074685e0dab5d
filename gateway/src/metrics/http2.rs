//! Why HTTP/2 connections were ended by us.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a client did so that its connection was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It cancelled too many requests.
    RapidReset,
    /// It sent too many pings.
    PingFlood,
    /// It changed its settings too often.
    SettingsFlood,
    /// It sent too many priorities.
    PriorityFlood,
    /// It opened its windows too often.
    WindowUpdateFlood,
    /// It sent frames with nothing in them.
    EmptyFrames,
    /// It sent too many frames that nobody knows.
    UnknownFrames,
    /// The head of a request did not come to its end in time.
    HeadTimeout,
    /// Something else was too much for the library: header blocks in too many parts or far over the limit, too many
    /// requests with mistakes.
    TooMuch,
    /// It broke a rule of the protocol.
    ProtocolError,
}

/// In the order of the enumeration.
const NAMES: [&str; 10] = [
    "rapid_reset",
    "ping_flood",
    "settings_flood",
    "priority_flood",
    "window_update_flood",
    "empty_frames",
    "unknown_frames",
    "head_timeout",
    "too_much",
    "protocol_error",
];

/// How often each happened.
#[derive(Debug, Default)]
pub struct EndedCounts([AtomicU64; NAMES.len()]);

impl EndedCounts {
    /// One more.
    pub fn count(&self, ended: Ended) {
        self.0[ended as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Each reason that has occurred, and how often.
    pub(super) fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        NAMES
            .into_iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0)
    }
}

impl Ended {
    /// As the metric's label has it.
    pub fn as_str(self) -> &'static str {
        NAMES[self as usize]
    }
}
