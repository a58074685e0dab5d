//! What waits to be written, in the order in which it came to be: rows are added while whoever made them has everything
//! alone, and written without keeping anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::rows::{Batch, Use, Window};
use crate::store::{Store, StoreError};

/// So many rows of a kind wait for a store that cannot be written; the oldest are let go.
const WAITING_MAX: usize = 10_000;

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Batch>,
    /// Held by whoever writes.
    writing: Mutex<()>,
}

impl Queue {
    /// Adds rows.
    pub(super) fn push(&self, batch: Batch) {
        append(&mut self.waiting(), batch);
    }

    /// Writes all that waits, what others added meanwhile too. What cannot be written goes on waiting. Whether there were
    /// messages.
    pub(super) fn flush(&self, store: &Store) -> Result<bool, StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = std::mem::take(&mut *self.waiting());
        if batch.is_empty() {
            return Ok(false);
        }
        let messages = !batch.messages.is_empty();
        let written = store.write(batch.clone());
        if written.is_err() {
            let mut waiting = self.waiting();
            let newer = std::mem::replace(&mut *waiting, batch);
            append(&mut waiting, newer);
            bound(&mut waiting);
        }
        written.map(|()| messages)
    }

    fn waiting(&self) -> MutexGuard<'_, Batch> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn append(to: &mut Batch, mut batch: Batch) {
    if to.is_empty() {
        *to = batch;
        return;
    }
    // What was found by other rules is of the past.
    let anew: BTreeSet<&String> = batch.compared_anew.iter().collect();
    to.diffs.retain(|diff| !anew.contains(&diff.route));
    to.documents.append(&mut batch.documents);
    add_windows(&mut to.windows, batch.windows);
    add_uses(&mut to.uses, batch.uses);
    to.compared_anew.append(&mut batch.compared_anew);
    to.diffs.append(&mut batch.diffs);
    to.events.append(&mut batch.events);
    to.messages.append(&mut batch.messages);
    to.audit.append(&mut batch.audit);
    to.generations.append(&mut batch.generations);
}

fn add_windows(to: &mut Vec<Window>, windows: Vec<Window>) {
    for one in windows {
        let key = |window: &Window| (window.minute, window.side, window.route.clone());
        let same = to.iter_mut().find(|known| key(known) == key(&one));
        match same {
            Some(known) => {
                for (total, class) in known.classes.iter_mut().zip(one.classes) {
                    *total += class;
                }
                known.latency.merge(&one.latency);
            }
            None => to.push(one),
        }
    }
}

fn add_uses(to: &mut Vec<Use>, uses: Vec<Use>) {
    type Key = (String, String, String, String);
    let key = |one: &Use| -> Key {
        (
            one.route.clone(),
            one.client.clone(),
            one.user_agent.clone(),
            one.status.clone(),
        )
    };
    let mut places: BTreeMap<Key, usize> = to.iter().map(key).zip(0..).collect();
    for one in uses {
        if let Some(known) = places.get(&key(&one)).and_then(|place| to.get_mut(*place)) {
            known.count += one.count;
            known.last = known.last.max(one.last);
        } else {
            places.insert(key(&one), to.len());
            to.push(one);
        }
    }
}

/// Of documents and differences the newest of each is enough.
fn bound(batch: &mut Batch) {
    fn newest<T>(rows: &mut Vec<T>) {
        let surplus = rows.len().saturating_sub(WAITING_MAX);
        rows.drain(..surplus);
    }
    let documents: BTreeMap<_, _> = std::mem::take(&mut batch.documents)
        .into_iter()
        .map(|one| ((one.kind, one.name.clone()), one))
        .collect();
    batch.documents = documents.into_values().collect();
    let diffs: BTreeMap<_, _> = std::mem::take(&mut batch.diffs)
        .into_iter()
        .map(|one| ((one.route.clone(), one.key.clone()), one))
        .collect();
    batch.diffs = diffs.into_values().collect();
    newest(&mut batch.windows);
    newest(&mut batch.uses);
    newest(&mut batch.compared_anew);
    newest(&mut batch.events);
    newest(&mut batch.messages);
    newest(&mut batch.audit);
    newest(&mut batch.generations);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rows::{Diff, Document};
    use strangler::Side;

    fn document(body: &str) -> Batch {
        Batch {
            documents: vec![Document {
                kind: "standing",
                name: "orders".to_owned(),
                body: Some(body.to_owned()),
            }],
            ..Batch::default()
        }
    }

    fn counted(minute: u64) -> Batch {
        Batch {
            windows: vec![Window {
                route: "orders".to_owned(),
                side: Side::Legacy,
                minute,
                classes: [0, 1, 0, 0, 0],
                latency: [(3, 1)].into_iter().collect(),
            }],
            ..Batch::default()
        }
    }

    fn found(value: &str) -> Batch {
        Batch {
            diffs: vec![Diff {
                route: "orders".to_owned(),
                key: value.to_owned(),
                body: Some(value.to_owned()),
            }],
            ..Batch::default()
        }
    }

    #[test]
    fn what_could_not_be_written_is_written_later_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let store = Store::open(&path).unwrap();
        let queue = Queue::default();
        let aside = folder.path().join("aside.db");
        std::fs::rename(&path, &aside).unwrap();
        for batch in [
            document("first"),
            counted(1),
            counted(1),
            counted(2),
            found("old"),
        ] {
            queue.push(batch);
            assert!(queue.flush(&store).is_err());
        }
        assert_eq!(queue.waiting().windows.len(), 2);
        queue.push(document("second"));
        queue.push(Batch {
            compared_anew: vec!["orders".to_owned()],
            ..found("new")
        });
        std::fs::rename(&aside, &path).unwrap();
        queue.flush(&store).unwrap();
        assert!(queue.waiting().is_empty());
        let known = store.known(std::time::Duration::from_mins(2)).unwrap();
        let bodies: Vec<_> = known
            .documents
            .iter()
            .map(|(.., body)| body.as_str())
            .collect();
        assert_eq!(bodies, ["second"]);
        let counts: Vec<_> = known.windows.iter().map(|one| one.classes[1]).collect();
        assert_eq!(counts, [2, 1]);
        let diffs: Vec<_> = known.diffs.iter().map(|diff| diff.key.as_str()).collect();
        assert_eq!(diffs, ["new"]);
    }
}
