//! An issuer's keys while the process lives: which are current, when they are asked for again, and how that went.
//!
//! It decides; fetching is `jwks`. Kept over reloads that leave the issuer's source as it was.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use chassis::secret::ExposeSecret as _;
use jsonwebtoken::Algorithm;
use tokio::sync::{Notify, watch};

use super::config::{IssuerConfig, KeySource, SigningAlgorithm};
use super::keys::{BadKeys, Key, KeySet, MAX_DOCUMENT};

/// A request waits this long for a fetch that may bring its key.
const WAIT_FOR_FETCH: Duration = Duration::from_secs(5);

/// An issuer's keys.
#[derive(Debug)]
pub struct KeyRing {
    /// The issuer's name in the file.
    pub name: String,
    /// Where the keys come from.
    pub source: KeySource,
    algorithms: Vec<SigningAlgorithm>,
    current: ArcSwap<KeySet>,
    wanted: Notify,
    fetching: AtomicBool,
    /// When an unknown key id last caused a fetch, milliseconds since 1970; 0 = never.
    asked_at: AtomicU64,
    /// Changes with every fetch that ended.
    fetched: watch::Sender<u64>,
    trouble: Mutex<Option<String>>,
}

/// A file of keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadKeyFile {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is too large.
    #[error("it is larger than 256 KiB")]
    TooLarge,
    /// It holds no keys for us.
    #[error("{0}")]
    Keys(#[from] BadKeys),
}

impl KeyRing {
    /// Reads what is at hand. Keys on the web come later: public routes work without them.
    pub fn open(issuer: &IssuerConfig) -> Result<Self, BadKeyFile> {
        let keys = match &issuer.keys {
            KeySource::Secret(secret) => {
                KeySet::secret(secret.expose_secret().as_bytes(), &issuer.algorithms)
            }
            KeySource::File(path) => {
                let document = std::fs::read(path)?;
                if document.len() > MAX_DOCUMENT {
                    return Err(BadKeyFile::TooLarge);
                }
                KeySet::read(&document, &issuer.algorithms)?
            }
            KeySource::Url(_) => KeySet::default(),
        };
        Ok(Self {
            name: issuer.name.clone(),
            source: issuer.keys.clone(),
            algorithms: issuer.algorithms.clone(),
            fetching: AtomicBool::new(matches!(issuer.keys, KeySource::Url(_))),
            current: ArcSwap::from_pointee(keys),
            wanted: Notify::new(),
            asked_at: AtomicU64::new(0),
            fetched: watch::Sender::new(0),
            trouble: Mutex::new(None),
        })
    }

    /// Whether this ring is what `issuer` asks for, so that it can be kept. A file is always read anew.
    pub fn serves(&self, issuer: &IssuerConfig) -> bool {
        let kept = self.source == issuer.keys
            && self.algorithms == issuer.algorithms
            && self.name == issuer.name;
        kept && !matches!(issuer.keys, KeySource::File(_))
    }

    /// The keys that may have signed a token. An unknown key id has the keys fetched, once for everybody.
    pub async fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        unix: Duration,
    ) -> Vec<Arc<Key>> {
        let found = self.current.load().candidates(kid, algorithm);
        let KeySource::Url(url) = &self.source else {
            return found;
        };
        if !found.is_empty() {
            return found;
        }
        self.fetched_again(unix, url.unknown_kid_cooldown).await;
        self.current.load().candidates(kid, algorithm)
    }

    /// The keys that may have signed a token that names none and that no key at hand has signed.
    pub async fn newer_candidates(&self, algorithm: Algorithm, unix: Duration) -> Vec<Arc<Key>> {
        if let KeySource::Url(url) = &self.source {
            self.fetched_again(unix, url.unknown_kid_cooldown).await;
        }
        self.current.load().candidates(None, algorithm)
    }

    /// Waits for a fetch, one for everybody; returns at once while it is too early for another.
    async fn fetched_again(&self, unix: Duration, cooldown: Duration) {
        let mut fetched = self.fetched.subscribe();
        let before = self.current.load_full();
        if !self.ask(unix, cooldown) || !Arc::ptr_eq(&before, &self.current.load()) {
            return;
        }
        let _ = tokio::time::timeout(WAIT_FOR_FETCH, fetched.changed()).await;
    }

    /// Whether a fetch is under way after this; false while it is too early for another.
    fn ask(&self, unix: Duration, cooldown: Duration) -> bool {
        if self.fetching.load(Ordering::SeqCst) {
            return true;
        }
        let now = millis(unix);
        let last = self.asked_at.load(Ordering::SeqCst);
        if last != 0 && now.saturating_sub(last) < millis(cooldown) {
            return false;
        }
        let first = self
            .asked_at
            .compare_exchange(last, now, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok();
        if first {
            self.fetching.store(true, Ordering::SeqCst);
            self.wanted.notify_one();
        }
        true
    }

    /// Resolves when somebody asked.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    pub(super) fn fetch_begins(&self) {
        self.fetching.store(true, Ordering::SeqCst);
    }

    /// A fetched document, or why there is none. What we have stays in use when it cannot be had.
    pub(super) fn fetch_ended(&self, document: Result<&[u8], String>) -> bool {
        let keys = document.and_then(|bytes| {
            KeySet::read(bytes, &self.algorithms).map_err(|error| error.to_string())
        });
        let fresh = keys.is_ok();
        let trouble = match keys {
            Ok(mut keys) => {
                keys.succeed(&self.current.load());
                self.current.store(Arc::new(keys));
                None
            }
            Err(trouble) => Some(trouble),
        };
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
        self.fetching.store(false, Ordering::SeqCst);
        self.fetched.send_modify(|count| *count += 1);
        fresh
    }

    /// The keys have been stale for too long.
    pub(super) fn forget(&self) {
        let mut none = KeySet::default();
        none.succeed(&self.current.load());
        self.current.store(Arc::new(none));
    }

    /// How many keys there are, and what went wrong last, for readiness and operators.
    pub fn status(&self) -> (usize, Option<String>) {
        let trouble = self
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        (self.current.load().len(), trouble)
    }

    /// How many fetches have ended.
    pub fn fetches(&self) -> u64 {
        *self.fetched.borrow()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
