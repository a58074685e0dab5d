//! The outbox: messages that were kept with their events, and what became of each.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, Row, Transaction, params};

use super::outbox::{Message, MessageRow, Outbox, Outcome, Post, Sent, Waiting};
use super::read::{millis, time};

/// How long delivered messages are kept.
const DELIVERED_KEPT: Duration = Duration::from_hours(7 * 24);
/// How long dead ones are kept.
const DEAD_KEPT: Duration = Duration::from_hours(30 * 24);
/// So many wait at most, and so many dead ones are kept.
const KEPT_MAX: u32 = 10_000;

pub(super) fn add(tx: &Transaction<'_>, one: &Message) -> rusqlite::Result<()> {
    let sql =
        "INSERT INTO message(id, webhook, event, body, state, tries, since_ms, next_ms, created_ms)
        VALUES(?1, ?2, ?3, ?4, 'pending', 0, ?5, ?5, ?5) ON CONFLICT(id) DO NOTHING";
    tx.prepare_cached(sql)?.execute(params![
        one.id,
        one.webhook,
        one.event,
        one.body,
        millis(one.created)
    ])?;
    Ok(())
}

/// Those whose time has come, so many of each webhook, and when the next one's comes.
pub(super) fn due(
    connection: &Connection,
    webhooks: &[String],
    each: usize,
    now: Duration,
) -> rusqlite::Result<Waiting> {
    let mut waiting = Waiting::default();
    let mut select = connection.prepare_cached(
        "SELECT id, webhook, body, tries, since_ms FROM message
        WHERE state = 'pending' AND webhook = ?1 AND next_ms <= ?2 ORDER BY next_ms LIMIT ?3",
    )?;
    let mut later = connection.prepare_cached(
        "SELECT min(next_ms) FROM message WHERE state = 'pending' AND webhook = ?1 AND next_ms > ?2",
    )?;
    let now = millis(now);
    for webhook in webhooks {
        let found = select.query_map(params![webhook, now, each], |row| {
            Ok(Post {
                id: row.get(0)?,
                webhook: row.get(1)?,
                body: row.get(2)?,
                tries: row.get(3)?,
                since: time(row, 4)?,
            })
        })?;
        for one in found {
            waiting.due.push(one?);
        }
        let next: Option<u64> = later.query_row(params![webhook, now], |row| row.get(0))?;
        let next = next.map(Duration::from_millis);
        waiting.next = waiting.next.into_iter().chain(next).min();
    }
    let sql = "SELECT webhook, count(*) FROM message WHERE state = 'pending' GROUP BY webhook";
    let mut select = connection.prepare_cached(sql)?;
    let counts = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    waiting.pending = counts.collect::<Result<_, _>>()?;
    Ok(waiting)
}

/// What a try came to. What was delivered stays so, whoever else tried.
pub(super) fn settle(
    tx: &Transaction<'_>,
    id: &str,
    outcome: &Outcome,
    now: Duration,
) -> rusqlite::Result<()> {
    let now = millis(now);
    match outcome {
        Outcome::Delivered => {
            let sql = "UPDATE message SET state = 'delivered', tries = tries + 1, error = NULL, ended_ms = ?2
                WHERE id = ?1";
            tx.prepare_cached(sql)?.execute(params![id, now])?;
        }
        Outcome::Again { at, why } => {
            let sql = "UPDATE message SET tries = tries + 1, error = ?2, next_ms = ?3
                WHERE id = ?1 AND state = 'pending'";
            tx.prepare_cached(sql)?
                .execute(params![id, why, millis(*at)])?;
        }
        Outcome::Dead { why } => {
            let sql =
                "UPDATE message SET state = 'dead', tries = tries + 1, error = ?2, ended_ms = ?3
                WHERE id = ?1 AND state = 'pending'";
            tx.prepare_cached(sql)?.execute(params![id, why, now])?;
        }
    }
    Ok(())
}

/// Those that wait for a webhook that is not among `webhooks` are dead. How many.
pub(super) fn abandon(
    tx: &Transaction<'_>,
    webhooks: &[String],
    why: &str,
    now: Duration,
) -> rusqlite::Result<usize> {
    let known = serde_json::Value::from(webhooks).to_string();
    let sql = "UPDATE message SET state = 'dead', error = ?2, ended_ms = ?3
        WHERE state = 'pending' AND webhook NOT IN (SELECT value FROM json_each(?1))";
    tx.prepare_cached(sql)?
        .execute(params![known, why, millis(now)])
}

/// A dead one is tried again, as if it were new. Whether there is such a one.
pub(super) fn revive(tx: &Transaction<'_>, id: &str, now: Duration) -> rusqlite::Result<bool> {
    let sql = "UPDATE message SET state = 'pending', tries = 0, since_ms = ?2, next_ms = ?2, ended_ms = NULL
        WHERE id = ?1 AND state = 'dead'";
    let changed = tx.prepare_cached(sql)?.execute(params![id, millis(now)])?;
    Ok(changed > 0)
}

/// What is old goes; of too many that wait, the oldest are dead.
pub(super) fn tidy(tx: &Transaction<'_>, now: Duration) -> rusqlite::Result<()> {
    let sql = "UPDATE message SET state = 'dead', error = 'over 10 000 messages waited', ended_ms = ?2
        WHERE id IN (SELECT id FROM message WHERE state = 'pending' ORDER BY created_ms DESC LIMIT -1 OFFSET ?1)";
    tx.prepare_cached(sql)?
        .execute(params![KEPT_MAX, millis(now)])?;
    for (state, kept) in [("delivered", DELIVERED_KEPT), ("dead", DEAD_KEPT)] {
        let sql = "DELETE FROM message WHERE state = ?1 AND ended_ms < ?2";
        let old = millis(now.saturating_sub(kept));
        tx.prepare_cached(sql)?.execute(params![state, old])?;
    }
    let sql = "DELETE FROM message WHERE id IN (
        SELECT id FROM message WHERE state = 'dead' ORDER BY ended_ms DESC LIMIT -1 OFFSET ?1)";
    tx.prepare_cached(sql)?.execute([KEPT_MAX])?;
    Ok(())
}

const MESSAGE: &str =
    "m.id, m.webhook, m.event, coalesce(e.route, ''), coalesce(e.from_phase, ''), coalesce(e.to_phase, ''),
    m.state, m.tries, m.created_ms, m.next_ms, m.ended_ms, m.error
    FROM message m LEFT JOIN event e ON e.uid = m.event";

/// How many of each webhook are in which state, and those in one of them, the newest first.
pub(super) fn outbox(connection: &Connection, state: &str, limit: u32) -> rusqlite::Result<Outbox> {
    let mut outbox = Outbox::default();
    let mut select = connection.prepare_cached(
        "SELECT webhook, state, count(*), max(ended_ms) FROM message GROUP BY webhook, state",
    )?;
    let mut rows = select.query([])?;
    let mut webhooks = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let counts: &mut Sent = webhooks.entry(row.get(0)?).or_default();
        let state: String = row.get(1)?;
        let count = row.get(2)?;
        match state.as_str() {
            "pending" => counts.pending = count,
            "dead" => counts.dead = count,
            _ => {
                counts.delivered = count;
                counts.last_delivered = maybe(row, 3)?;
            }
        }
    }
    outbox.webhooks = webhooks;
    let sql =
        format!("SELECT {MESSAGE} WHERE m.state = ?1 ORDER BY m.created_ms DESC, m.id LIMIT ?2");
    let mut select = connection.prepare_cached(&sql)?;
    let found = select.query_map(params![state, limit], message_row)?;
    outbox.messages = found.collect::<Result<_, _>>()?;
    Ok(outbox)
}

/// That one.
pub(super) fn one(connection: &Connection, id: &str) -> rusqlite::Result<Option<MessageRow>> {
    let sql = format!("SELECT {MESSAGE} WHERE m.id = ?1");
    let mut select = connection.prepare_cached(&sql)?;
    let mut found = select.query_map([id], message_row)?;
    found.next().transpose()
}

fn message_row(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
    Ok(MessageRow {
        id: row.get(0)?,
        webhook: row.get(1)?,
        event: row.get(2)?,
        route: row.get(3)?,
        from: row.get(4)?,
        to: row.get(5)?,
        state: row.get(6)?,
        tries: row.get(7)?,
        created: time(row, 8)?,
        next: time(row, 9)?,
        ended: maybe(row, 10)?,
        error: row.get(11)?,
    })
}

fn maybe(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Duration>> {
    let time: Option<u64> = row.get(column)?;
    Ok(time.map(Duration::from_millis))
}
