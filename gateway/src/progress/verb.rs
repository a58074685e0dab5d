//! What an operator says at run time: in force at once, kept over restarts, without an edit of the file.

use strangler::Phase;

use super::admission::{canary_at, first_share};
use super::change::{Actor, Change, EVERYTHING};
use super::effective::{effective, said};
use crate::config::Config;
use crate::config::nearest::nearest;
use crate::route::config::TargetConfig;
use crate::side::config::MigrationConfig;

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// All to legacy, no shadow, until somebody resumes.
    Kill,
    /// A canary's users return; it stays declared.
    Rollback,
    /// Nothing moves it forward.
    Hold,
    /// Takes all of that back. After a rollback other callers come first, unless their cohort is kept.
    Resume {
        /// The same callers as before.
        keep_cohort: bool,
    },
    /// The next step of a canary that has steps, whatever the judge thinks of the one in force.
    Advance,
}

/// Why it cannot be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerbError {
    /// The file has no such route.
    #[error("there is no route {route:?}{}", .nearest.as_ref().map(|name| format!("; did you mean {name:?}?")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        route: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// It is outside the migration.
    #[error("{0} has no two sides: it is outside the migration")]
    NoSides(String),
    /// Nothing leads back.
    #[error("{0} is retired: nothing leads to legacy any more; declare phase = \"migrated\" first")]
    Retired(String),
    /// Only a canary is rolled back.
    #[error("{route} is {phase}: only a canary is rolled back; say kill, or declare another phase")]
    NoCanary {
        /// The route.
        route: String,
        /// The phase in force.
        phase: Phase,
    },
    /// Only a canary that has steps has a next one.
    #[error("{route} is {phase} and has no next step: only a canary with canary.steps is advanced")]
    NoSteps {
        /// The route.
        route: String,
        /// The phase in force.
        phase: Phase,
    },
    /// Something stands over it.
    #[error("{route} is {said}; resume it first")]
    Stands {
        /// The route.
        route: String,
        /// What, by whom, and why.
        said: String,
    },
    /// There is nothing to take back.
    #[error("nothing stands over {0}: there is nothing to resume")]
    NothingSaid(String),
    /// It was not this route that was killed.
    #[error("{route} is not killed by itself: {kill}; resume all routes")]
    KilledWithAll {
        /// The route.
        route: String,
        /// Who killed all of them, and why.
        kill: String,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// What was in force before.
    pub before: String,
    /// What is now.
    pub after: String,
}

impl Verb {
    /// As operators write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Rollback => "rollback",
            Self::Hold => "hold",
            Self::Resume { .. } => "resume",
            Self::Advance => "advance",
        }
    }
}

/// The migration of a route that operators speak of.
pub fn migration<'c>(config: &'c Config, route: &str) -> Result<&'c MigrationConfig, VerbError> {
    let Some(found) = config.routes.get(route) else {
        let names = config.routes.keys().map(String::as_str);
        return Err(VerbError::Unknown {
            route: route.to_owned(),
            nearest: nearest(route, names).map(str::to_owned),
        });
    };
    match &found.target {
        TargetConfig::Migration(migration) => Ok(migration),
        TargetConfig::Upstream(_) | TargetConfig::Own(_) => {
            Err(VerbError::NoSides(route.to_owned()))
        }
    }
}

impl Change<'_> {
    /// Says it of one route.
    pub fn say(
        &mut self,
        verb: Verb,
        route: &str,
        config: &Config,
        actor: &Actor,
    ) -> Result<Spoken, VerbError> {
        let migration = migration(config, route)?;
        let told = |change: &Self| {
            let effective = effective(migration, route, &change.standings);
            let led = !migration.rollout.steps.is_empty();
            let phase = match change.standings.share(route, migration) {
                Some(share) if led && effective.phase == Phase::Canary.as_str() => canary_at(share),
                _ => effective.phase,
            };
            match effective.reason {
                Some(reason) => format!("{phase} ({reason})"),
                None => phase,
            }
        };
        let before = told(self);
        self.said_of(verb, route, migration, actor)?;
        let after = told(self);
        self.note(verb.as_str(), route, actor, &before, &after);
        Ok(Spoken { before, after })
    }

    fn said_of(
        &mut self,
        verb: Verb,
        route: &str,
        migration: &MigrationConfig,
        actor: &Actor,
    ) -> Result<(), VerbError> {
        let standing = self.standings.of(route);
        let phase = standing.entered.unwrap_or(migration.phase);
        let word = || Some(actor.word.clone());
        match verb {
            Verb::Kill if phase == Phase::Retired || migration.legacy.is_none() => {
                return Err(VerbError::Retired(route.to_owned()));
            }
            Verb::Rollback if phase != Phase::Canary => {
                let route = route.to_owned();
                return Err(VerbError::NoCanary { route, phase });
            }
            // Who said it first is who others may want to ask.
            Verb::Kill if standing.killed.is_some() => {}
            Verb::Rollback if standing.rolled_back.is_some() => {}
            Verb::Kill => self.stand(route, |standing| standing.killed = word()),
            Verb::Rollback => self.stand(route, |standing| {
                standing.rolled_back = word();
                standing.rollbacks += 1;
                standing.promoted = false;
            }),
            Verb::Hold => self.stand(route, |standing| standing.held = word()),
            Verb::Resume { keep_cohort } => self.resume(route, migration, keep_cohort)?,
            Verb::Advance => self.advance_by_hand(route, migration)?,
        }
        Ok(())
    }

    fn resume(
        &mut self,
        route: &str,
        migration: &MigrationConfig,
        keep_cohort: bool,
    ) -> Result<(), VerbError> {
        let standing = self.standings.of(route);
        let spoken = [&standing.killed, &standing.rolled_back, &standing.held];
        if spoken.iter().all(|word| word.is_none()) {
            let route = route.to_owned();
            return Err(match &self.standings.killed {
                Some(word) => VerbError::KilledWithAll {
                    route,
                    kill: said("all routes killed", word),
                },
                None => VerbError::NothingSaid(route),
            });
        }
        let now = self.progress.now();
        let first = first_share(migration);
        self.stand(route, |standing| {
            if standing.rolled_back.is_some() {
                standing.epochs += u32::from(!keep_cohort);
                standing.begin_step(Some(first), now);
            } else if standing.killed.is_some() && !standing.promoted && standing.share.is_some() {
                // What was before the kill says nothing of now, nor does the time that nobody looked.
                standing.begin_step(standing.share, now);
            }
            if standing.blocked {
                standing.rollbacks = 0;
            }
            standing.blocked = false;
            standing.killed = None;
            standing.rolled_back = None;
            standing.held = None;
        });
        Ok(())
    }

    /// Kills all routes, or takes that back. What was said of single routes stays.
    pub fn say_of_all(&mut self, kill: bool, actor: &Actor) -> Result<Spoken, VerbError> {
        let told = |change: &Self| match &change.standings.killed {
            Some(word) => said("killed", word),
            None => "as each route is".to_owned(),
        };
        let before = told(self);
        match (kill, &self.standings.killed) {
            (true, None) => self.standings.killed = Some(actor.word.clone()),
            (true, Some(_)) => {}
            (false, Some(_)) => self.standings.killed = None,
            (false, None) => return Err(VerbError::NothingSaid("all routes".to_owned())),
        }
        let after = told(self);
        let what = if kill { "kill" } else { "resume" };
        self.note(what, EVERYTHING, actor, &before, &after);
        Ok(Spoken { before, after })
    }

    /// Lets a route enter a phase whatever speaks against it, the next time that its file declares it.
    pub fn force(
        &mut self,
        route: &str,
        to: Phase,
        config: &Config,
        actor: &Actor,
    ) -> Result<(), VerbError> {
        let migration = migration(config, route)?;
        let standing = self.standings.of(route);
        let phase = standing.entered.unwrap_or(migration.phase);
        self.stand(route, |standing| {
            standing.forced = Some((to, actor.word.clone()));
        });
        self.note("force", route, actor, phase.as_str(), phase.as_str());
        if let Some(line) = self.batch.audit.last_mut() {
            line.after = format!("{phase}, and {to} may be entered");
        }
        Ok(())
    }
}
