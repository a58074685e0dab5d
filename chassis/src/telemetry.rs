//! What a process says about itself: its log, its access lines, its latencies.

pub mod latency;
pub mod stamp;
pub mod line;
pub mod lines;
pub mod log;
pub mod metrics;
