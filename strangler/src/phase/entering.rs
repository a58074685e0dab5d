//! Whether a route may enter a phase, by its history.

use std::time::Duration;

use super::Phase;
use crate::decommission::{Span, Verdict};
use crate::tally::GateState;

/// Why a route may not enter a phase yet.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Too few pairs have been compared.
    #[error("{reason}")]
    TooFew {
        /// So many pairs.
        compared: u64,
        /// Of so many.
        needed: u64,
        /// Both, in words.
        reason: String,
    },
    /// Too many of them differ.
    #[error("{reason}")]
    Mismatch {
        /// The share that does.
        rate: f64,
        /// In words, with the share that may.
        reason: String,
    },
    /// Legacy has been used not long ago.
    #[error("legacy must go unused for {}: {} left", Span(*required), Span(*left))]
    InUse {
        /// How much longer it must not be used.
        left: Duration,
        /// How long altogether.
        required: Duration,
    },
    /// Nobody has watched whether legacy is used.
    #[error("it is not known whether legacy is still used")]
    Unwatched,
}

/// Asks whether a route may go `from` a phase `to` another.
///
/// The way back is always open, and so is the way from nowhere: a route without history. Users come onto the service
/// from `shadow` only through the gate where the route compares (`gate`), and legacy is retired only by its clock, from whatever
/// phase. `forced` is the operator's word against both.
pub fn entering(
    from: Option<Phase>,
    to: Phase,
    gate: Option<&GateState>,
    clock: Option<Verdict>,
    forced: bool,
) -> Result<(), Refusal> {
    let Some(from) = from else {
        return Ok(());
    };
    if forced || to <= from {
        return Ok(());
    }
    if from == Phase::Shadow
        && let Some(state) = gate
    {
        through(state)?;
    }
    if to == Phase::Retired {
        unused(clock)?;
    }
    Ok(())
}

impl Refusal {
    /// The phase that is in force instead, when a file says otherwise at the start.
    pub fn last_allowed(&self) -> Phase {
        match self {
            Self::TooFew { .. } | Self::Mismatch { .. } => Phase::Shadow,
            Self::InUse { .. } | Self::Unwatched => Phase::Migrated,
        }
    }
}

fn through(gate: &GateState) -> Result<(), Refusal> {
    match gate {
        GateState::Open => Ok(()),
        GateState::Closed {
            compared,
            needed,
            reason,
            ..
        } if compared < needed => Err(Refusal::TooFew {
            compared: *compared,
            needed: *needed,
            reason: reason.clone(),
        }),
        GateState::Closed { rate, reason, .. } => Err(Refusal::Mismatch {
            rate: *rate,
            reason: reason.clone(),
        }),
    }
}

fn unused(clock: Option<Verdict>) -> Result<(), Refusal> {
    match clock {
        Some(Verdict::Allowed) => Ok(()),
        Some(Verdict::Refused { left, required }) => Err(Refusal::InUse { left, required }),
        None => Err(Refusal::Unwatched),
    }
}

#[cfg(test)]
mod tests;
