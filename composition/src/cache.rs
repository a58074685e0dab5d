//! Answers that are kept: at most so many bytes of them, each only for those who may be given it.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::call::{Call, Kept, Scope};
use crate::cohort::{Audience, Provenance, Side};
use crate::inbound::{CallerId, Inbound};

/// What an entry costs besides its content, bytes.
const OVERHEAD: usize = 512;

/// What was asked, by whom as far as that matters, and of what type the answer is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    kind: TypeId,
    backend: &'static str,
    target: String,
    fields: Vec<u8>,
    owner: Owner,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Everybody,
    Tenant(String),
    User(CallerId),
}

/// A value of one of many types.
pub(crate) type AnyValue = Arc<dyn Any + Send + Sync>;

/// One answer that is kept.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) value: AnyValue,
    pub(crate) from: Provenance,
    pub(crate) at: Instant,
    /// The content's length, bytes.
    pub(crate) size: usize,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("from", &self.from)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// What is kept under one key: one answer for everybody, or one for each side.
#[derive(Clone, Debug, Default)]
struct Variants {
    all: Option<Stored>,
    legacy: Option<Stored>,
    service: Option<Stored>,
}

/// The answers of one process.
#[derive(Debug)]
pub(crate) struct Cache {
    kept: moka::sync::Cache<Key, Arc<Variants>>,
}

impl Key {
    /// `None` when the call's answer is not kept.
    pub(crate) fn of<T: 'static>(call: &Call<T>, inbound: &Inbound) -> Option<(Self, Kept)> {
        let kept = call.kept?;
        let owner = match (kept.scope, &inbound.tenant) {
            (Scope::Public, _) => Owner::Everybody,
            (Scope::Tenant, Some(tenant)) => Owner::Tenant(tenant.clone()),
            (Scope::Tenant, None) | (Scope::User, _) => Owner::User(inbound.caller()),
        };
        let mut fields = Vec::new();
        for (name, value) in &call.fields {
            for part in [name.as_str().as_bytes(), value.as_bytes()] {
                fields.extend_from_slice(&(part.len() as u64).to_be_bytes());
                fields.extend_from_slice(part);
            }
        }
        let key = Self {
            kind: TypeId::of::<T>(),
            backend: call.backend.name,
            target: call.target.clone(),
            fields,
            owner,
        };
        Some((key, kept))
    }

    /// Whoever finds it under this key may hear what the backend thinks of them, too.
    pub(crate) fn is_one_users(&self) -> bool {
        matches!(self.owner, Owner::User(_))
    }

    fn size(&self) -> usize {
        self.target.len() + self.fields.len()
    }
}

impl Stored {
    pub(crate) fn age(&self) -> Duration {
        self.at.elapsed()
    }
}

impl Cache {
    /// Keeps at most so many bytes.
    pub(crate) fn new(bytes: u64) -> Self {
        let weigh = |key: &Key, variants: &Arc<Variants>| {
            // What is read from a text takes about twice its length.
            let content: usize = variants.each().map(|stored| 2 * stored.size).sum();
            u32::try_from(content + key.size() + OVERHEAD).unwrap_or(u32::MAX)
        };
        Self {
            kept: moka::sync::Cache::builder()
                .max_capacity(bytes)
                .weigher(weigh)
                .build(),
        }
    }

    /// The youngest kept answer that `fits`.
    pub(crate) fn find(&self, key: &Key, fits: impl Fn(&Stored) -> bool) -> Option<Stored> {
        let variants = self.kept.get(key)?;
        let fitting = variants.each().filter(|stored| fits(stored));
        fitting.max_by_key(|stored| stored.at).cloned()
    }

    /// Keeps an answer. What is kept of another state of its route goes; it is not kept itself when what is there is of
    /// a later one.
    pub(crate) fn keep(&self, key: Key, stored: &Stored) {
        let with_it = |before: Option<moka::Entry<Key, Arc<Variants>>>| {
            let before = before.map(|entry| (**entry.value()).clone());
            Arc::new(before.unwrap_or_default().with(stored))
        };
        self.kept.entry(key).and_upsert_with(with_it);
    }

    /// Forgets what is kept under a key of the route that an answer was of, while it stood so, and for those whom it was
    /// for.
    pub(crate) fn forget(&self, key: &Key, from: &Provenance) {
        let without = |before: Option<moka::Entry<Key, Arc<Variants>>>| {
            let Some(before) = before else {
                return moka::ops::compute::Op::Nop;
            };
            let left = (**before.value()).clone().without(from);
            if left.each().next().is_none() {
                moka::ops::compute::Op::Remove
            } else {
                moka::ops::compute::Op::Put(Arc::new(left))
            }
        };
        self.kept.entry(key.clone()).and_compute_with(without);
    }
}

impl Variants {
    fn each(&self) -> impl Iterator<Item = &Stored> {
        [&self.all, &self.legacy, &self.service]
            .into_iter()
            .flatten()
    }

    fn slots(&mut self) -> [&mut Option<Stored>; 3] {
        [&mut self.all, &mut self.legacy, &mut self.service]
    }

    fn with(mut self, stored: &Stored) -> Self {
        // Who led the call was slow to keep what came of it.
        if self.each().any(|kept| kept.from.is_after(&stored.from)) {
            return self;
        }
        for slot in self.slots() {
            if slot
                .as_ref()
                .is_some_and(|kept| kept.from.route != stored.from.route)
            {
                *slot = None;
            }
        }
        match stored.from.audience {
            // Where there were sides and now there are none, or the other way round, the route's token has changed.
            Audience::Everybody => self.all = Some(stored.clone()),
            Audience::On(Side::Legacy) => self.legacy = Some(stored.clone()),
            Audience::On(Side::Service) => self.service = Some(stored.clone()),
            Audience::Nobody => {}
        }
        self
    }
    fn without(mut self, from: &Provenance) -> Self {
        let of_one_side = matches!(from.audience, Audience::On(_));
        for slot in self.slots() {
            let goes = |kept: &Stored| {
                kept.from.route == from.route
                    && (!of_one_side || kept.from.audience == from.audience)
            };
            if slot.as_ref().is_some_and(goes) {
                *slot = None;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests;
