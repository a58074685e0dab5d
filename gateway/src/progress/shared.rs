//! What several gateways share of a standing, and how two of them become one when both have changed it.
//!
//! Only what was said or judged at run time is shared. Which phase a route has entered follows from each gateway's own
//! file and is not.

use serde::{Deserialize, Serialize};
use strangler::{Percent, Phase};

use super::standing::{Standing, Word};

/// The shared part of a [`Standing`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// See [`Standing::killed`].
    pub killed: Option<Word>,
    /// See [`Standing::rolled_back`].
    pub rolled_back: Option<Word>,
    /// See [`Standing::held`].
    pub held: Option<Word>,
    /// See [`Standing::rollbacks`].
    pub rollbacks: u32,
    /// See [`Standing::blocked`].
    pub blocked: bool,
    /// See [`Standing::declared`].
    pub declared: Option<Phase>,
    /// Where its canary is.
    #[serde(flatten)]
    pub at: At,
}

/// The step of a canary: all of it changes at once, or it would be a step that nobody began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct At {
    /// See [`Standing::epochs`].
    pub epochs: u32,
    /// See [`Standing::step`].
    pub step: u32,
    /// See [`Standing::step_since_ms`].
    pub step_since_ms: u64,
    /// See [`Standing::share`].
    pub share: Option<Percent>,
    /// See [`Standing::promoted`].
    pub promoted: bool,
}

impl Run {
    /// What is shared of it.
    pub fn of(standing: &Standing) -> Self {
        Self {
            killed: standing.killed.clone(),
            rolled_back: standing.rolled_back.clone(),
            held: standing.held.clone(),
            rollbacks: standing.rollbacks,
            blocked: standing.blocked,
            declared: standing.declared,
            at: At {
                epochs: standing.epochs,
                step: standing.step,
                step_since_ms: standing.step_since_ms,
                share: standing.share,
                promoted: standing.promoted,
            },
        }
    }

    /// Puts it in place of what the standing has of it. The rest stays.
    pub fn put(self, standing: &mut Standing) {
        let Self {
            killed,
            rolled_back,
            held,
            rollbacks,
            blocked,
            declared,
            at,
        } = self;
        standing.killed = killed;
        standing.rolled_back = rolled_back;
        standing.held = held;
        standing.rollbacks = rollbacks;
        standing.blocked = blocked;
        standing.declared = declared;
        standing.epochs = at.epochs;
        standing.step = at.step;
        standing.step_since_ms = at.step_since_ms;
        standing.share = at.share;
        standing.promoted = at.promoted;
    }
}

/// Makes one of two that began as `base`. What one of them changed is in it; where both changed the same, what keeps
/// more callers on legacy, or has got further, wins.
pub fn merge(base: &Run, mine: &Run, theirs: &Run) -> Run {
    let spoken = |of: fn(&Run) -> Option<&Word>| word(of(base), of(mine), of(theirs));
    let more = mine.rollbacks > theirs.rollbacks;
    let further = mine.at.step > theirs.at.step;
    let rolled_back = spoken(|run| run.rolled_back.as_ref());
    let mut at = pick(further, &base.at, &mine.at, &theirs.at).clone();
    // One took its callers back while another let it through.
    at.promoted &= rolled_back.is_none();
    Run {
        killed: spoken(|run| run.killed.as_ref()),
        rolled_back,
        held: spoken(|run| run.held.as_ref()),
        rollbacks: pick(more, base.rollbacks, mine.rollbacks, theirs.rollbacks),
        blocked: pick(mine.blocked, base.blocked, mine.blocked, theirs.blocked),
        declared: pick(false, base.declared, mine.declared, theirs.declared),
        at,
    }
}

/// The same of one word. Where both changed it, it stands if one of them says so, as the one who said it first.
pub fn word(base: Option<&Word>, mine: Option<&Word>, theirs: Option<&Word>) -> Option<Word> {
    let mine_wins = match (mine, theirs) {
        (Some(mine), Some(theirs)) => mine.at_ms < theirs.at_ms,
        (mine, _) => mine.is_some(),
    };
    pick(mine_wins, base, mine, theirs).cloned()
}

/// Whichever was changed; where both were, mine if it wins.
fn pick<T: Copy + PartialEq>(mine_wins: bool, base: T, mine: T, theirs: T) -> T {
    let (i_did, they_did) = (mine != base, theirs != base);
    if i_did && (mine_wins || !they_did) {
        mine
    } else {
        theirs
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn a_word() -> impl Strategy<Value = Option<Word>> {
        let word = ("[abc]", 0..4_u64).prop_map(|(who, at_ms)| Word {
            who,
            why: String::new(),
            at_ms,
        });
        proptest::option::of(word)
    }

    fn an_at() -> impl Strategy<Value = At> {
        let share = proptest::option::of((0..3_u16).prop_map(|n| Percent::try_from(n).unwrap()));
        (0..3_u32, 0..3_u32, 0..3_u64, share, any::<bool>()).prop_map(
            |(epochs, step, since, share, promoted)| At {
                epochs,
                step,
                step_since_ms: since,
                share,
                promoted,
            },
        )
    }

    prop_compose! {
        fn a_run()(
            killed in a_word(),
            rolled_back in a_word(),
            held in a_word(),
            rollbacks in 0..3_u32,
            blocked in any::<bool>(),
            declared in proptest::option::of(Just(Phase::Canary)),
            mut at in an_at(),
        ) -> Run {
            at.promoted &= rolled_back.is_none();
            Run { killed, rolled_back, held, rollbacks, blocked, declared, at }
        }
    }

    proptest! {
        #[test]
        fn what_only_one_of_them_changed_is_taken_whole(base in a_run(), one in a_run()) {
            prop_assert_eq!(&merge(&base, &one, &base), &one);
            prop_assert_eq!(&merge(&base, &base, &one), &one);
            prop_assert_eq!(&merge(&base, &one, &one), &one);
        }

        #[test]
        fn a_kill_outlives_whatever_else_was_changed(base in a_run(), mine in a_run(), theirs in a_run()) {
            let base = Run { killed: None, ..base };
            let merged = merge(&base, &mine, &theirs);
            prop_assert_eq!(merged.killed.is_some(), mine.killed.is_some() || theirs.killed.is_some());
        }

        #[test]
        fn a_step_is_never_made_of_two(base in a_run(), mine in a_run(), theirs in a_run()) {
            let merged = merge(&base, &mine, &theirs);
            prop_assert!(!(merged.at.promoted && merged.rolled_back.is_some()));
            let whole = |promoted| {
                let at = At { promoted, ..merged.at.clone() };
                [&base.at, &mine.at, &theirs.at].contains(&&at)
            };
            let let_through = merged.at.promoted || (merged.rolled_back.is_some() && whole(true));
            prop_assert!(whole(let_through));
            if mine.at != base.at && theirs.at != base.at {
                prop_assert_eq!(merged.at.step, mine.at.step.max(theirs.at.step));
            }
        }

        #[test]
        fn what_was_put_is_what_is_shared(run in a_run(), written in a_run()) {
            let mut standing = Standing { entered: Some(Phase::Shadow), since_ms: 7, ..Standing::default() };
            written.put(&mut standing);
            run.clone().put(&mut standing);
            prop_assert_eq!(&Run::of(&standing), &run);
            prop_assert_eq!((standing.entered, standing.since_ms), (Some(Phase::Shadow), 7));
            let body = serde_json::to_string(&run).unwrap();
            prop_assert_eq!(serde_json::from_str::<Run>(&body).unwrap(), run);
        }
    }

    #[test]
    fn of_two_who_killed_the_first_is_named() {
        let said = |who: &str, at_ms| {
            Some(Word {
                who: who.to_owned(),
                why: String::new(),
                at_ms,
            })
        };
        let (ana, bob) = (said("ana", 1), said("bob", 2));
        let (ana, bob) = (ana.as_ref(), bob.as_ref());
        assert_eq!(word(None, ana, bob).as_ref(), ana);
        assert_eq!(word(None, bob, ana).as_ref(), ana);
        // One took it back, and the other meanwhile said it again.
        assert_eq!(word(ana, None, bob).as_ref(), bob);
        assert_eq!(word(ana, None, ana), None);
    }
}
