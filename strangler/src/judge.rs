//! Judges a canary by its evidence: advance, hold or roll back.
//!
//! The unit is the sticky key, because keys are what the buckets put on one side at random: one caller with broken data
//! fails once in a step, however often he tries. What was seen of the requests comes in as a [`Tick`], a [`Step`] takes it
//! as evidence, and gives a [`Verdict`].

mod rules;
mod keys;
mod tick;
mod evidence;
mod kept;
mod first;
mod record;
mod consistent;
mod verdict;
mod decide;
mod step;
pub mod ladder;
#[cfg(test)]
mod healthy;

pub use keys::{Keys, NoKeys};
pub use record::Baseline;
pub use rules::Rules;
pub use step::{Exposed, Shown, ShownSide, Step};
pub use tick::{Seen, Tick};
pub use verdict::{Trigger, Verdict};
