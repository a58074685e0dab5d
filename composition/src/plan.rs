//! A screen's parts and what waits for what. Whatever is wrong with it is said when it is built, at start.

use std::time::Duration;

use crate::part::Part;

/// A screen's parts, checked: every input is a part of its type, and none waits for itself.
#[derive(Debug)]
pub struct Plan<P> {
    pub(crate) name: &'static str,
    pub(crate) budget: Duration,
    pub(crate) parts: Vec<Part<P>>,
    /// By part: those that it waits for.
    pub(crate) inputs: Vec<Vec<usize>>,
    pub(crate) names: Vec<&'static str>,
}

/// Why a screen cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Two parts have one name.
    #[error("screen {screen}: there are two parts {part}")]
    Twice {
        /// Whose.
        screen: &'static str,
        /// Which.
        part: &'static str,
    },
    /// A part waits for one that is not there.
    #[error("screen {screen}: part {part} waits for {input}, which is no part of it")]
    Unknown {
        /// Whose.
        screen: &'static str,
        /// Which.
        part: &'static str,
        /// For what.
        input: &'static str,
    },
    /// A part waits for one that brings something else.
    #[error("screen {screen}: part {part} takes {input} for something else than it brings")]
    OtherType {
        /// Whose.
        screen: &'static str,
        /// Which.
        part: &'static str,
        /// For what.
        input: &'static str,
    },
    /// Parts wait for each other.
    #[error("screen {screen}: {} wait for each other", .parts.join(", "))]
    Cycle {
        /// Whose.
        screen: &'static str,
        /// Which.
        parts: Vec<&'static str>,
    },
}

impl<P> Plan<P> {
    /// A screen that is composed within `budget`, of which a part is kept back for composing.
    pub fn new(
        name: &'static str,
        budget: Duration,
        parts: impl IntoIterator<Item = Part<P>>,
    ) -> Result<Self, PlanError> {
        let parts: Vec<Part<P>> = parts.into_iter().collect();
        let names: Vec<&'static str> = parts.iter().map(|part| part.brings.name).collect();
        for (at, part) in names.iter().enumerate() {
            if names[..at].contains(part) {
                return Err(PlanError::Twice { screen: name, part });
            }
        }
        let inputs = parts
            .iter()
            .map(|part| inputs(name, part, &parts))
            .collect::<Result<Vec<_>, _>>()?;
        let left = cyclic(&inputs);
        if !left.is_empty() {
            return Err(PlanError::Cycle {
                screen: name,
                parts: left.into_iter().map(|at| names[at]).collect(),
            });
        }
        Ok(Self {
            name,
            budget,
            parts,
            inputs,
            names,
        })
    }
}

fn inputs<P>(
    screen: &'static str,
    part: &Part<P>,
    parts: &[Part<P>],
) -> Result<Vec<usize>, PlanError> {
    let find = |wanted: &crate::slot::Typed| {
        let (part, input) = (part.brings.name, wanted.name);
        let at = parts.iter().position(|other| other.brings.name == input);
        match at {
            None => Err(PlanError::Unknown {
                screen,
                part,
                input,
            }),
            Some(at) if parts[at].brings.kind != wanted.kind => Err(PlanError::OtherType {
                screen,
                part,
                input,
            }),
            Some(at) => Ok(at),
        }
    };
    part.needs.iter().map(find).collect()
}

/// Those that remain when everything that waits for nothing is taken away, again and again (Kahn 1962).
fn cyclic(inputs: &[Vec<usize>]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..inputs.len()).collect();
    loop {
        let before = left.len();
        let waits = |at: &usize| inputs[*at].iter().any(|input| left.contains(input));
        let next: Vec<usize> = left.iter().copied().filter(waits).collect();
        left = next;
        if left.len() == before {
            return left;
        }
    }
}
