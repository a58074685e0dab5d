//! Where an answer came from, and whom it is for.

use std::sync::Arc;

use chassis::handover;
use http::{HeaderMap, HeaderValue};

/// How calls get to their backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through a gateway, whose answers say which route and side they are of.
    Gateway,
    /// Without one: there are no sides.
    Direct,
}

/// A side of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The monolith.
    Legacy,
    /// What replaces it.
    Service,
}

impl Side {
    /// As `x-served-by` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Service => "service",
        }
    }

    fn read(text: &str) -> Option<Self> {
        match text {
            "legacy" => Some(Self::Legacy),
            "service" => Some(Self::Service),
            _ => None,
        }
    }
}

/// Where an answer came from, as the gateway says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// Which side gave it, on a route with sides.
    pub side: Option<Side>,
    /// The route, and how it stood; `None` without a gateway.
    pub route: Option<Routed>,
    /// Who may be given it.
    pub audience: Audience,
}

/// Who may be given an answer, of those for whom it was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    /// All of them.
    #[default]
    Everybody,
    /// Those on this side of the route.
    On(Side),
    /// It is for some, and does not say for whom in words that are understood.
    Nobody,
}

/// A route, and how it stood.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Routed {
    /// The route's name.
    pub route: Arc<str>,
    /// Counts how often the route was seen to stand otherwise; 0 when it is not known how it stands now.
    pub generation: u64,
}

impl Provenance {
    /// Both are of one route, and the other is of an earlier state of it.
    pub(crate) fn is_after(&self, other: &Self) -> bool {
        let both = self.route.as_ref().zip(other.route.as_ref());
        both.is_some_and(|(here, there)| {
            here.route == there.route && here.generation > there.generation
        })
    }
}

impl Audience {
    /// Of an answer with these fields, on a route that may have cohorts or has none.
    pub(crate) fn read(fields: &HeaderMap, may_have_cohorts: bool) -> Self {
        let Some(value) = fields.get(handover::COHORT) else {
            // Who was refused before a side was chosen got nothing of any.
            return if may_have_cohorts && !fields.contains_key(handover::REJECTED) {
                Self::Nobody
            } else {
                Self::Everybody
            };
        };
        let cohort = handover::Cohort::read(value);
        let side = cohort.and_then(|cohort| Side::read(&cohort.side));
        side.map_or(Self::Nobody, Self::On)
    }
}

impl Side {
    /// Who gave an answer with these fields.
    pub(crate) fn of(fields: &HeaderMap) -> Option<Self> {
        let said: &HeaderValue = fields.get(handover::SERVED_BY)?;
        Self::read(said.to_str().ok()?)
    }
}
