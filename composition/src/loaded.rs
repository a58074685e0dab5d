//! Many things of a kind, asked for by their ids: each id once, in parallel chunks, in the order in which they were
//! asked for.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// More ids in one call than this are split into several.
pub const CHUNK: usize = 100;

/// Whatever is asked for by id.
pub trait Identified {
    /// What tells it from the others.
    type Id: Clone + Eq + Hash + Send + Sync + 'static;

    /// Its id.
    fn id(&self) -> Self::Id;
}

/// What came back for a list of ids.
#[derive(Debug)]
pub struct Loaded<V: Identified> {
    asked: Vec<V::Id>,
    found: HashMap<V::Id, V>,
    /// Of how many distinct ids something was heard, if only that they do not exist.
    pub(crate) got: usize,
    /// How many distinct ids there are.
    pub(crate) of: usize,
}

impl<V: Identified> Loaded<V> {
    /// The one with this id; `None` when there is none, or when its chunk was lost.
    pub fn get(&self, id: &V::Id) -> Option<&V> {
        self.found.get(id)
    }

    /// One for each id that was asked for, in that order.
    pub fn in_order(&self) -> impl Iterator<Item = Option<&V>> {
        self.asked.iter().map(|id| self.found.get(id))
    }
}

/// A list of ids, each once, in chunks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted<K> {
    pub(crate) asked: Vec<K>,
    pub(crate) distinct: Vec<K>,
}

impl<K: Clone + Eq + Hash> Wanted<K> {
    pub(crate) fn new(asked: Vec<K>) -> Self {
        let mut seen = std::collections::HashSet::with_capacity(asked.len());
        let distinct = asked.iter().filter(|id| seen.insert(*id)).cloned();
        Self {
            distinct: distinct.collect(),
            asked,
        }
    }
}

/// Joins what the chunks brought: the length of each, and its items unless it was lost.
pub(crate) fn join<V: Identified + Clone>(
    wanted: Wanted<V::Id>,
    chunks: Vec<(usize, Option<Arc<Vec<V>>>)>,
) -> Loaded<V> {
    let mut found = HashMap::with_capacity(wanted.distinct.len());
    let mut got = 0;
    for (length, items) in chunks {
        let Some(items) = items else { continue };
        got += length;
        // What nobody else holds is not copied.
        let items = Arc::try_unwrap(items).unwrap_or_else(|shared| (*shared).clone());
        found.extend(items.into_iter().map(|item| (item.id(), item)));
    }
    Loaded {
        of: wanted.distinct.len(),
        asked: wanted.asked,
        found,
        got,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Thing(u64);

    impl Identified for Thing {
        type Id = u64;

        fn id(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn ids_are_asked_for_once_and_answered_in_order() {
        let wanted = Wanted::new(vec![3, 1, 3, 9]);
        assert_eq!(wanted.distinct, [3, 1, 9]);
        let loaded = join(wanted, vec![(3, Some(Arc::new(vec![Thing(1), Thing(3)])))]);
        let order: Vec<_> = loaded
            .in_order()
            .map(|found| found.map(Thing::id))
            .collect();
        assert_eq!(order, [Some(3), Some(1), Some(3), None]);
        assert_eq!((loaded.got, loaded.of), (3, 3));
    }

    #[test]
    fn a_lost_chunk_loses_only_its_ids() {
        let wanted = Wanted::new(vec![1, 2, 3]);
        let loaded = join(
            wanted,
            vec![(2, Some(Arc::new(vec![Thing(1), Thing(2)]))), (1, None)],
        );
        assert_eq!((loaded.got, loaded.of), (2, 3));
        assert!(loaded.get(&2).is_some() && loaded.get(&3).is_none());
    }
}
