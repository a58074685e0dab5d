//! What is shared, as one replica sees it.

use redis::Script;

use super::connection::Connection;
use super::error::BoardError;
use crate::store::config::RedisUrl;

/// The shared board. Every question to it ends within seconds, with an answer or an error.
#[derive(Debug)]
pub struct Board {
    pub(super) connection: Connection,
    pub(super) me: String,
    pub(super) scripts: Scripts,
}

/// The scripts, each hashed once.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) changed: Script,
    pub(super) commit: Script,
    pub(super) lease: Script,
    pub(super) release: Script,
    pub(super) push: Script,
    pub(super) take: Script,
    pub(super) present: Script,
    pub(super) others: Script,
}

impl Board {
    /// For the replica `me`, whose name is no other's, not even of an earlier process. Connects when it is first asked.
    pub fn new(url: &RedisUrl, me: impl Into<String>) -> Result<Self, BoardError> {
        Ok(Self {
            connection: Connection::new(url)?,
            me: me.into(),
            scripts: Scripts::new(),
        })
    }

    /// This replica.
    pub fn me(&self) -> &str {
        &self.me
    }
}

impl Scripts {
    fn new() -> Self {
        Self {
            changed: Script::new(include_str!("scripts/changed.lua")),
            commit: Script::new(include_str!("scripts/commit.lua")),
            lease: Script::new(include_str!("scripts/lease.lua")),
            release: Script::new(include_str!("scripts/release.lua")),
            push: Script::new(include_str!("scripts/push.lua")),
            take: Script::new(include_str!("scripts/take.lua")),
            present: Script::new(include_str!("scripts/present.lua")),
            others: Script::new(include_str!("scripts/others.lua")),
        }
    }
}
