//! What is kept, as plain values. Times are since 1970.

use std::time::Duration;

use chassis::telemetry::latency::Sketch;
use serde::{Deserialize, Serialize};
use strangler::Side;
use utoipa::ToSchema;

use super::outbox::Message;
use super::times::{from_seconds, seconds};

/// A small thing that is known by its kind and name and replaced whole: JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Such as `standing` or `clock`.
    pub kind: &'static str,
    /// Mostly a route's name.
    pub name: String,
    /// JSON; nothing takes it away.
    pub body: Option<String>,
}

/// What one side of a route answered within one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The route.
    pub route: String,
    /// The side.
    pub side: Side,
    /// Whole minutes since 1970.
    pub minute: u64,
    /// Answers by class of status, 1xx to 5xx.
    pub classes: [u64; 5],
    /// From forwarding the head to the head of the answer.
    pub latency: Sketch,
}

/// Who used the old side of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Use {
    /// The route.
    #[serde(skip)]
    pub route: String,
    /// The client's address.
    pub client: String,
    /// What the client says it is.
    pub user_agent: String,
    /// What came of it: `ok`, `probe` (401, 403, 404), `client_error`, `server_error`, `gone`.
    pub status: String,
    /// How often.
    pub count: u64,
    /// First seen.
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = f64)]
    pub first: Duration,
    /// Last seen.
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = f64)]
    pub last: Duration,
}

/// A difference that the comparison of a route found; `body` is JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// The route.
    pub route: String,
    /// Where and how, as the comparison names it.
    pub key: String,
    /// Counts and samples; nothing takes it away.
    pub body: Option<String>,
}

/// A route entered another phase, or somebody said something over it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its name, given when the change that it tells of is kept; until then empty.
    #[serde(default)]
    pub id: String,
    /// When.
    #[serde(serialize_with = "seconds", deserialize_with = "from_seconds")]
    #[schema(value_type = f64)]
    pub at: Duration,
    /// The route; `*` is all of them.
    pub route: String,
    /// The phase in force before.
    pub from: String,
    /// The phase in force since.
    pub to: String,
    /// What did it: `config` (the file), `judge`, or `api` (an operator, over admin).
    pub actor: String,
    /// Who, where a person did.
    pub who: String,
    /// Why.
    pub why: String,
    /// The configuration in force.
    pub generation: u64,
    /// What else is known of it, a JSON object: of a rollback the share, the trigger, who was exposed.
    #[serde(serialize_with = "parsed", deserialize_with = "from_parsed", default)]
    #[schema(value_type = Option<Object>)]
    pub detail: Option<String>,
}

/// A line of the audit: nothing changes or removes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Audit {
    /// When.
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = f64)]
    pub at: Duration,
    /// Who says they did it.
    pub who: String,
    /// From where.
    pub peer: String,
    /// Such as `kill`.
    pub what: String,
    /// To which route; `*` is all of them.
    pub route: String,
    /// Why.
    pub why: String,
    /// What was in force before.
    pub before: String,
    /// What is in force since.
    pub after: String,
    /// The configuration in force.
    pub generation: u64,
}

/// A file that was taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Generation {
    /// Counts from 1 and never starts again.
    pub number: u64,
    /// When.
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = f64)]
    pub at: Duration,
    /// What changed, in words.
    pub changes: String,
    /// The file.
    #[serde(skip)]
    pub text: String,
}

/// What is written at once, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Replaced whole.
    pub documents: Vec<Document>,
    /// Added to what their minute has.
    pub windows: Vec<Window>,
    /// Added to what is known of the same user.
    pub uses: Vec<Use>,
    /// Replaced whole.
    pub diffs: Vec<Diff>,
    /// Routes whose differences are forgotten before `diffs` are written.
    pub compared_anew: Vec<String>,
    /// Appended.
    pub events: Vec<Event>,
    /// Appended; they wait to be delivered.
    pub messages: Vec<Message>,
    /// Appended.
    pub audit: Vec<Audit>,
    /// Appended; the same number is replaced.
    pub generations: Vec<Generation>,
}

impl Batch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
            && self.windows.is_empty()
            && self.uses.is_empty()
            && self.diffs.is_empty()
            && self.compared_anew.is_empty()
            && self.events.is_empty()
            && self.messages.is_empty()
            && self.audit.is_empty()
            && self.generations.is_empty()
    }
}

/// What was known when the process started.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// All documents.
    pub documents: Vec<(String, String, String)>,
    /// Recent windows.
    pub windows: Vec<Window>,
    /// Who used the old sides.
    pub uses: Vec<Use>,
    /// What comparisons found.
    pub diffs: Vec<Diff>,
    /// The last file that was taken over.
    pub generation: Option<Generation>,
}

/// JSON in text, as JSON. What cannot be read is nothing.
#[expect(clippy::ref_option, reason = "serde hands it so")]
fn parsed<S: serde::Serializer>(text: &Option<String>, to: S) -> Result<S::Ok, S::Error> {
    let value = text
        .as_deref()
        .map(serde_json::from_str::<serde_json::Value>);
    value.and_then(Result::ok).serialize(to)
}

fn from_parsed<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(from)?;
    Ok(value.map(|value| value.to_string()))
}
