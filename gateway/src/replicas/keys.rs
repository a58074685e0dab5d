//! The names of what is kept.
//!
//! One hash tag for all of it, so that a cluster keeps it on one node, where a script may touch all of it.

/// Drawn when the first thing is written; another one says that everything was lost meanwhile.
pub(super) const ERA: &str = "banyan:{board}:era";
/// Counts what was written to documents.
pub(super) const COUNTER: &str = "banyan:{board}:counter";
/// The names of documents, by the count at which they were last written: their version.
pub(super) const VERSIONS: &str = "banyan:{board}:versions";
/// Bodies of documents by name.
pub(super) const BODIES: &str = "banyan:{board}:bodies";
/// Who holds the lease, behind their fence.
pub(super) const LEASE: &str = "banyan:{board}:lease";
/// Counts the leases.
pub(super) const FENCE: &str = "banyan:{board}:fence";
/// The stream of events.
pub(super) const EVENTS: &str = "banyan:{board}:events";
/// What each replica says of itself, behind the time until which it holds.
pub(super) const PRESENT: &str = "banyan:{board}:present";

/// A list of ticks.
pub(super) fn ticks(list: &str) -> String {
    format!("banyan:{{board}}:ticks:{list}")
}

/// How much was taken off a list, and what each origin added last.
pub(super) fn ticks_known(list: &str) -> String {
    format!("banyan:{{board}}:ticks-known:{list}")
}

/// Drawn for each question that may be the first; only the first one is kept.
pub(super) fn new_era() -> String {
    format!("{:016x}", fastrand::u64(..))
}
