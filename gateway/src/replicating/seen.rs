//! What this gateway's canaries did, on its way to whoever judges.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strangler::judge::Tick;

use super::Replica;
use super::exchange::blocking;
use crate::replicas::{BoardError, Pushed};

/// By the name of the list.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<String, Outgoing>);

/// What of one step has not arrived.
#[derive(Debug, Default)]
struct Outgoing {
    /// Counts what was sent.
    number: u64,
    /// May have arrived: it is sent as it is until that is known.
    sent: Option<Tick>,
    waiting: Tick,
}

/// The list that a step's ticks are in.
pub(super) fn list(route: &str, step: u32) -> String {
    format!("{route}/{step}")
}

impl Seen {
    fn add(&mut self, list: String, tick: &Tick) {
        self.0.entry(list).or_default().waiting.merge(tick);
    }

    /// Steps that are over are of no use to anybody.
    pub(super) fn keep(&mut self, is_under_way: impl Fn(&str) -> bool) {
        self.0.retain(|list, _| is_under_way(list));
    }
}

impl Replica {
    /// Sends what came in since the last time.
    pub(super) async fn push_seen(&mut self) -> Result<(), BoardError> {
        let reloader = Arc::clone(&self.reloader);
        let collected = blocking(move || reloader.take_collected()).await;
        let (collected, steps) = collected.unwrap_or_default();
        for (route, step, tick) in collected {
            self.seen.add(list(&route, step), &tick);
        }
        let steps: BTreeSet<String> = steps
            .iter()
            .map(|(route, step)| list(route, *step))
            .collect();
        self.seen.keep(|list| steps.contains(list));
        for (list, outgoing) in &mut self.seen.0 {
            if outgoing.sent.is_none() && !outgoing.waiting.is_empty() {
                outgoing.number += 1;
                outgoing.sent = Some(std::mem::take(&mut outgoing.waiting));
            }
            let Some(sent) = &outgoing.sent else {
                continue;
            };
            let Ok(bytes) = serde_json::to_vec(sent) else {
                outgoing.sent = None;
                continue;
            };
            match self.board.push(list, outgoing.number, &bytes).await? {
                Pushed::Added | Pushed::Known => outgoing.sent = None,
                Pushed::Full => {
                    if let Some(sent) = outgoing.sent.take() {
                        outgoing.waiting.merge(&sent);
                        outgoing.number -= 1;
                    }
                }
            }
        }
        Ok(())
    }
}
