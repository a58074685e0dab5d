//! What became of messages, as plain values.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::times::{from_seconds, maybe_from, maybe_seconds, seconds};

/// What a webhook is told of an event, kept with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What receivers tell duplicates by.
    pub id: String,
    /// Whom it is for: the name of `[webhook.NAME]`.
    pub webhook: String,
    /// The event.
    pub event: String,
    /// As it is posted: JSON.
    pub body: String,
    /// When the event was.
    pub created: Duration,
}

/// A message that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The message's.
    pub id: String,
    /// Whom it is for.
    pub webhook: String,
    /// What is posted.
    pub body: String,
    /// How often it was tried.
    pub tries: u32,
    /// Since when it is tried.
    pub since: Duration,
}

/// What waits to be delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Now.
    pub due: Vec<Post>,
    /// When the next of the others is due.
    pub next: Option<Duration>,
    /// How many wait, by webhook.
    pub pending: BTreeMap<String, u64>,
}

/// What a try came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// Not this time.
    Again {
        /// When it is tried next.
        at: Duration,
        /// What went wrong.
        why: String,
    },
    /// It is not tried again by itself.
    Dead {
        /// What went wrong.
        why: String,
    },
}

/// What became of a message, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// It is tried.
    Pending,
    /// The receiver has it.
    Delivered,
    /// It was given up.
    Dead,
}

impl MessageState {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageRow {
    /// What receivers tell duplicates by: `webhook-id`.
    pub id: String,
    /// Whom it is for.
    pub webhook: String,
    /// The event that it tells of.
    pub event: String,
    /// The event's route.
    pub route: String,
    /// The phase in force before.
    pub from: String,
    /// The phase in force since.
    pub to: String,
    /// `pending`, `delivered` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub tries: u32,
    /// When the event was.
    #[serde(serialize_with = "seconds", deserialize_with = "from_seconds")]
    #[schema(value_type = f64)]
    pub created: Duration,
    /// When it is tried next, while it is pending.
    #[serde(serialize_with = "seconds", deserialize_with = "from_seconds")]
    #[schema(value_type = f64)]
    pub next: Duration,
    /// When it was delivered, or given up.
    #[serde(serialize_with = "maybe_seconds", deserialize_with = "maybe_from")]
    #[schema(value_type = Option<f64>)]
    pub ended: Option<Duration>,
    /// What went wrong last.
    pub error: Option<String>,
}

/// What became of one webhook's messages, as far as they are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sent {
    /// How many wait.
    pub pending: u64,
    /// How many were given up.
    pub dead: u64,
    /// How many were delivered.
    pub delivered: u64,
    /// When one was delivered last.
    #[serde(serialize_with = "maybe_seconds", deserialize_with = "maybe_from")]
    #[schema(value_type = Option<f64>)]
    pub last_delivered: Option<Duration>,
}

/// What became of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outbox {
    /// By webhook.
    pub webhooks: BTreeMap<String, Sent>,
    /// Those in the state that was asked for, the newest first.
    pub messages: Vec<MessageRow>,
}
