//! Judges a canary by its evidence: advance, hold or roll back.

mod rules;

pub use rules::Rules;
