//! The tables, and how an older file becomes a newer one.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// The JSON in a row is part of the schema: what a newer version adds to it has a default, or a step adds it.
///
/// Each step leads from the version that is its index to the next. A step that was released never changes.
const STEPS: [&str; 2] = [FIRST, MESSAGES];

const FIRST: &str = "
CREATE TABLE document(
    kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY(kind, name)) STRICT, WITHOUT ROWID;
CREATE TABLE window(
    route TEXT NOT NULL, side TEXT NOT NULL, minute INTEGER NOT NULL, span INTEGER NOT NULL,
    c1 INTEGER NOT NULL, c2 INTEGER NOT NULL, c3 INTEGER NOT NULL, c4 INTEGER NOT NULL, c5 INTEGER NOT NULL,
    latency BLOB NOT NULL,
    PRIMARY KEY(route, side, span, minute)) STRICT, WITHOUT ROWID;
CREATE TABLE use(
    route TEXT NOT NULL, client TEXT NOT NULL, user_agent TEXT NOT NULL, status TEXT NOT NULL,
    count INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    PRIMARY KEY(route, client, user_agent, status)) STRICT, WITHOUT ROWID;
CREATE TABLE diff(
    route TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY(route, key)) STRICT, WITHOUT ROWID;
CREATE TABLE event(
    id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, route TEXT NOT NULL,
    from_phase TEXT NOT NULL, to_phase TEXT NOT NULL,
    actor TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, generation INTEGER NOT NULL) STRICT;
CREATE INDEX event_of_route ON event(route, id);
CREATE TABLE audit(
    id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL, peer TEXT NOT NULL, what TEXT NOT NULL,
    route TEXT NOT NULL, why TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL, generation INTEGER NOT NULL) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END;
CREATE TRIGGER audit_grows BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END;
CREATE TABLE generation(
    number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, changes TEXT NOT NULL, text TEXT NOT NULL) STRICT;
";

/// Messages stand beside the events that they tell of.
const MESSAGES: &str = "
ALTER TABLE event ADD COLUMN detail TEXT;
ALTER TABLE event ADD COLUMN uid TEXT;
UPDATE event SET uid = 'evt_' || id;
CREATE UNIQUE INDEX event_by_uid ON event(uid);
CREATE TABLE message(
    id TEXT NOT NULL PRIMARY KEY, webhook TEXT NOT NULL, event TEXT NOT NULL, body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    tries INTEGER NOT NULL, since_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL, error TEXT,
    created_ms INTEGER NOT NULL, ended_ms INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX message_of_webhook ON message(state, webhook, next_ms);
";

/// The version that this gateway reads and writes.
pub(super) fn known() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The file's version; a new file has 0.
pub(super) fn found(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a file of an older version to ours, all steps at once.
pub(super) fn bring_up(connection: &mut Connection) -> rusqlite::Result<()> {
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Two processes may start at once: whoever comes second finds the work done.
    let from = usize::try_from(found(&step)?).unwrap_or(usize::MAX);
    for sql in STEPS.iter().skip(from) {
        step.execute_batch(sql)?;
    }
    set_version(&step)?;
    step.commit()
}

/// A file as it was at an earlier version.
#[cfg(test)]
pub(super) fn as_of(connection: &Connection, version: usize) -> rusqlite::Result<()> {
    for sql in &STEPS[..version] {
        connection.execute_batch(sql)?;
    }
    connection.pragma_update(None, "user_version", version)
}

fn set_version(step: &Transaction<'_>) -> rusqlite::Result<()> {
    step.pragma_update(None, "user_version", known())
}
