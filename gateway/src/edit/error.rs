//! Why a route cannot be edited as asked, and what to do instead.

use strangler::Phase;

/// Why a text cannot be edited so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is no TOML.
    #[error("the file cannot be read: {0}")]
    Syntax(String),
    /// No route has that name.
    #[error("there is no route {route:?}{}", meant(nearest.as_deref()))]
    UnknownRoute {
        /// As asked for.
        route: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// The route leads to one upstream, redirects or answers by itself.
    #[error(
        "route {route:?} has no two sides, so it has no phase: give it legacy, service and phase first"
    )]
    NoSides {
        /// Which.
        route: String,
    },
    /// A side is not named that the phase needs.
    #[error(
        "route {route:?} names no {side}, and phase {phase} needs it: add {side} = \"NAME\", the name of an [upstream.NAME]"
    )]
    SideMissing {
        /// Which.
        route: String,
        /// The phase asked for.
        phase: Phase,
        /// The missing key.
        side: &'static str,
    },
    /// There is nothing to change.
    #[error("route {route:?} has no phase: add phase = \"legacy\", which changes nothing yet")]
    NoPhase {
        /// Which.
        route: String,
    },
    /// The file does not say the phase itself.
    #[error("the phase of route {route:?} comes from the environment ({value}): change it there")]
    PhaseFromEnvironment {
        /// Which.
        route: String,
        /// As written.
        value: String,
    },
    /// A share means nothing in another phase.
    #[error("a percentage goes with phase canary only, not with {phase}")]
    PercentWithoutCanary {
        /// The phase asked for.
        phase: Phase,
    },
    /// Nobody says how many move.
    #[error(
        "route {route:?} has no canary.percent yet: say how many move, such as --percent 5; 0 moves nobody yet. Or add canary.steps, and the judge leads"
    )]
    PercentNeeded {
        /// Which.
        route: String,
    },
    /// The share is the flag's.
    #[error(
        "the flag {flag:?} decides how many move on route {route:?}: change percent in [flag.{flag}]"
    )]
    FlagDecides {
        /// Which.
        route: String,
        /// Whose share it is.
        flag: String,
    },
    /// The share is raised by the judge.
    #[error(
        "route {route:?} moves by canary.steps, so the judge says how many move: leave --percent out; `banyan advance {route}` goes on by one step, and without canary.steps in the file it is led by hand"
    )]
    StepsDecide {
        /// Which.
        route: String,
    },
    /// The layout leaves no place for a new key.
    #[error(
        "route {route:?} is written so that nothing can be added to it by command: add canary.percent there by hand and try again"
    )]
    NoPlace {
        /// Which.
        route: String,
    },
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}
