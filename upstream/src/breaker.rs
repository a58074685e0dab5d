//! Stops asking an upstream that mostly fails, and finds out gently whether it is well again.
//!
//! Closed, it counts over a sliding window. It opens when too many fail or are slow; after a while a few probes find out
//! (half-open), the next success lets a share of the calls through that grows to all (recovering), and a failure opens it
//! for twice as long. What costs on a good day is one atomic load before a call and one or two atomic additions after it.

mod settings;
mod machine;
mod shell;

pub use machine::State;
pub use settings::Settings;
pub use shell::{Breaker, Outcome, Pass, View};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
