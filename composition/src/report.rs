//! How a part of a screen came out, in all that is said of it.

use std::time::Duration;

use crate::cohort::Side;
use crate::reason::{Reason, Status};

/// How one part came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The part's name.
    pub name: &'static str,
    /// How it came out.
    pub status: Status,
    /// Why not better.
    pub reason: Option<Reason>,
    /// How old it is, if it was kept.
    pub age: Option<Duration>,
    /// Which side gave it.
    pub side: Option<Side>,
    /// Of a batch that lost some: how many came, of how many.
    pub counts: Option<(usize, usize)>,
    /// From its beginning to its end.
    pub took: Duration,
}
