//! The strangler fig as pure logic: which side of a migration answers, and why; how both sides' answers compare, and
//! what that allows.
//!
//! No I/O, no clock, no HTTP: what a request or an answer says comes in as plain values, times come in as the
//! [`Duration`](std::time::Duration) since 1970. Modules stand lowest first.

pub mod percent;
pub mod printable;
mod jwt;
pub mod murmur3;
pub mod bucket;
pub mod json;
pub mod json_path;
pub mod compare;
pub mod noise;
pub mod tally;
pub mod decommission;
pub mod phase;
pub mod side;
pub mod judge;

pub use bucket::{Bucket, Bucketer};
pub use compare::{
    Answer, Comparison, Difference, Kind, Outcome, Rules, Tolerance, Unordered, compare,
};
pub use decommission::{LegacyClock, Verdict};
pub use json_path::PathPattern;
pub use noise::Class;
pub use percent::Percent;
pub use phase::{Phase, Refusal, entering};
pub use side::{Caller, Decision, Migration, Over, People, Reason, Side, Split};
pub use tally::{Diff, DiffKey, Gate, GateState, Tally, Totals};
