//! The strangler fig as pure logic: which side of a migration answers, and why.
//!
//! No I/O, no clock, no HTTP: what a request says comes in as plain values, a [`Decision`] comes out.
//! Modules stand lowest first.

pub mod percent;
pub mod murmur3;
pub mod bucket;
pub mod phase;
pub mod side;

pub use bucket::{Bucket, Bucketer};
pub use percent::Percent;
pub use phase::Phase;
pub use side::{Caller, Decision, Migration, Over, People, Reason, Side, Split};
