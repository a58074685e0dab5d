//! The stream of events: appended with what they tell of, read by everybody.

use super::board::Board;
use super::documents::Commit;
use super::error::BoardError;
use super::keys;

/// So many are read at once.
const AT_ONCE: usize = 1000;

/// A place in the stream, in the engine's words. The default is before the first event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventId(String);

/// Something that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where it stands.
    pub id: EventId,
    /// The replica that told it.
    pub origin: String,
    /// What.
    pub body: String,
}

impl EventId {
    /// As it was kept.
    pub fn from_kept(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// To be kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for EventId {
    fn default() -> Self {
        Self("0-0".to_owned())
    }
}

impl Board {
    /// Tells everybody something that goes with no document.
    pub async fn tell(&self, body: String) -> Result<(), BoardError> {
        let commit = Commit {
            events: vec![body],
            ..Commit::default()
        };
        self.commit(&commit).await.map(drop)
    }

    /// What was told after `after`, the oldest first, up to a thousand.
    pub async fn events(&self, after: &EventId) -> Result<Vec<Event>, BoardError> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(AT_ONCE);
        command.arg("STREAMS").arg(keys::EVENTS).arg(after.as_str());
        let read: Option<Vec<Stream>> = self.connection.send(&command).await?;
        let entries = read.into_iter().flatten().flat_map(|(_, entries)| entries);
        Ok(entries.filter_map(event).collect())
    }

    /// The place of the last event.
    pub async fn last_event(&self) -> Result<EventId, BoardError> {
        let mut command = redis::cmd("XREVRANGE");
        command.arg(keys::EVENTS).arg("+").arg("-");
        command.arg("COUNT").arg(1);
        let read: Vec<Entry> = self.connection.send(&command).await?;
        let last = read.into_iter().next();
        Ok(last.map_or_else(EventId::default, |(id, _)| EventId(id)))
    }
}

/// The id, and names and values in turn.
type Entry = (String, Vec<String>);

/// The stream's key and its entries.
type Stream = (String, Vec<Entry>);

/// Whatever else somebody may have written there is passed over.
fn event((id, fields): Entry) -> Option<Event> {
    let (pairs, _) = fields.as_chunks::<2>();
    let value = |wanted: &str| {
        let found = pairs.iter().find(|[name, _]| name == wanted);
        found.map(|[_, value]| value.clone())
    };
    Some(Event {
        origin: value("origin")?,
        body: value("body")?,
        id: EventId(id),
    })
}
