//! Verified tokens of one core, by the whole token: looking one up costs less than hashing it cryptographically would.

use std::rc::Rc;
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use super::compiled::Verified;

/// All tokens of one core together, bytes.
const CAPACITY: u64 = 4 * 1024 * 1024;

/// What an entry weighs besides the token's text: its claims, parsed, and its fields. An estimate.
const OVERHEAD: u64 = 1024;

/// Verified tokens.
#[derive(Debug)]
pub struct TokenCache {
    tokens: Cache<Box<str>, Rc<Verified>, Bytes>,
}

#[derive(Clone, Debug)]
struct Bytes;

impl Weighter<Box<str>, Rc<Verified>> for Bytes {
    fn weight(&self, token: &Box<str>, _: &Rc<Verified>) -> u64 {
        // Claims are about as long again once they are parsed.
        2 * token.len() as u64 + OVERHEAD
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        let items = usize::try_from(CAPACITY / (2 * OVERHEAD)).unwrap_or(usize::MAX);
        Self {
            tokens: Cache::with_weighter(items, CAPACITY, Bytes),
        }
    }
}

impl TokenCache {
    /// A token that was verified and is still believed.
    pub fn get(&mut self, token: &str, unix: Duration) -> Option<Rc<Verified>> {
        let verified = self.tokens.get(token)?;
        if verified.holds(unix) {
            return Some(Rc::clone(verified));
        }
        self.tokens.remove(token);
        None
    }

    /// Remembers one.
    pub fn insert(&mut self, token: &str, verified: Rc<Verified>) {
        self.tokens.insert(token.into(), verified);
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}
