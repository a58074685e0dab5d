//! Writes one batch. Counts are added to what stands there, so that of two processes at one file neither loses the
//! other's; documents and differences are the last writer's.

use std::collections::BTreeSet;
use std::time::Duration;

use chassis::telemetry::latency::Sketch;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::messages;
use super::read::{latency_of, millis, sketch_of};
use super::rows::{Audit, Batch, Diff, Document, Event, Generation, Use, Window};

/// How long minutes are kept apart; older ones become hours.
const MINUTES_KEPT: u64 = 3 * 60;
/// How long hours are kept.
const HOURS_KEPT: u64 = 35 * 24 * 60;
/// How many texts of files are kept.
const GENERATIONS_KEPT: u64 = 200;
/// How many users of one route's old side are kept.
const USES_KEPT: i64 = 500;

pub(super) fn batch(tx: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    for one in &batch.documents {
        document(tx, one)?;
    }
    for one in &batch.windows {
        window(tx, one, 1)?;
    }
    for one in &batch.uses {
        used(tx, one)?;
    }
    let routes: BTreeSet<&str> = batch.uses.iter().map(|one| one.route.as_str()).collect();
    for route in routes {
        forget_users(tx, route)?;
    }
    for route in &batch.compared_anew {
        tx.prepare_cached("DELETE FROM diff WHERE route = ?1")?
            .execute([route])?;
    }
    for one in &batch.diffs {
        diff(tx, one)?;
    }
    for one in &batch.events {
        event(tx, one)?;
    }
    for one in &batch.messages {
        messages::add(tx, one)?;
    }
    for one in &batch.audit {
        audit(tx, one)?;
    }
    for one in &batch.generations {
        generation(tx, one)?;
    }
    Ok(())
}

fn document(tx: &Transaction<'_>, one: &Document) -> rusqlite::Result<()> {
    if let Some(body) = &one.body {
        let sql = "INSERT OR REPLACE INTO document(kind, name, body) VALUES(?1, ?2, ?3)";
        tx.prepare_cached(sql)?
            .execute(params![one.kind, one.name, body])?;
    } else {
        let sql = "DELETE FROM document WHERE kind = ?1 AND name = ?2";
        tx.prepare_cached(sql)?
            .execute(params![one.kind, one.name])?;
    }
    Ok(())
}

/// `span` is how many minutes it covers.
fn window(tx: &Transaction<'_>, one: &Window, span: u64) -> rusqlite::Result<()> {
    let minute = one.minute / span * span;
    let key = params![one.route, one.side.as_str(), span, minute];
    let sql =
        "SELECT latency FROM window WHERE route = ?1 AND side = ?2 AND span = ?3 AND minute = ?4";
    let mut select = tx.prepare_cached(sql)?;
    let known = select.query_row(key, |row| Ok(sketch_of(row.get_ref(0)?.as_blob()?)));
    let mut latency: Sketch = known.optional()?.unwrap_or_default();
    latency.merge(&one.latency);
    let sql = "INSERT INTO window(route, side, span, minute, c1, c2, c3, c4, c5, latency)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT DO UPDATE SET c1 = c1 + excluded.c1, c2 = c2 + excluded.c2, c3 = c3 + excluded.c3,
            c4 = c4 + excluded.c4, c5 = c5 + excluded.c5, latency = excluded.latency";
    let [c1, c2, c3, c4, c5] = one.classes;
    tx.prepare_cached(sql)?.execute(params![
        one.route,
        one.side.as_str(),
        span,
        minute,
        c1,
        c2,
        c3,
        c4,
        c5,
        latency_of(&latency)
    ])?;
    Ok(())
}

fn used(tx: &Transaction<'_>, one: &Use) -> rusqlite::Result<()> {
    let sql = "INSERT INTO use(route, client, user_agent, status, count, first_ms, last_ms)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT DO UPDATE SET count = count + excluded.count, first_ms = min(first_ms, excluded.first_ms),
            last_ms = max(last_ms, excluded.last_ms)";
    let (first, last) = (millis(one.first), millis(one.last));
    tx.prepare_cached(sql)?.execute(params![
        one.route,
        one.client,
        one.user_agent,
        one.status,
        one.count,
        first,
        last
    ])?;
    Ok(())
}

/// Lets the least recent of too many users go: whoever changes its name with each request finds room for some only.
fn forget_users(tx: &Transaction<'_>, route: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM use WHERE route = ?1 AND (client, user_agent, status) IN (
        SELECT client, user_agent, status FROM use WHERE route = ?1 ORDER BY last_ms DESC LIMIT -1 OFFSET ?2)";
    tx.prepare_cached(sql)?.execute(params![route, USES_KEPT])?;
    Ok(())
}

fn diff(tx: &Transaction<'_>, one: &Diff) -> rusqlite::Result<()> {
    let Some(body) = &one.body else {
        let sql = "DELETE FROM diff WHERE route = ?1 AND key = ?2";
        tx.prepare_cached(sql)?
            .execute(params![one.route, one.key])?;
        return Ok(());
    };
    let sql = "INSERT OR REPLACE INTO diff(route, key, body) VALUES(?1, ?2, ?3)";
    tx.prepare_cached(sql)?
        .execute(params![one.route, one.key, body])?;
    Ok(())
}

fn event(tx: &Transaction<'_>, one: &Event) -> rusqlite::Result<()> {
    // What was written although nobody heard of it is there already.
    let sql = "INSERT INTO event(at_ms, route, from_phase, to_phase, actor, who, why, generation, detail, uid)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT(uid) DO NOTHING";
    tx.prepare_cached(sql)?.execute(params![
        millis(one.at),
        one.route,
        one.from,
        one.to,
        one.actor,
        one.who,
        one.why,
        one.generation,
        one.detail,
        (!one.id.is_empty()).then_some(&one.id)
    ])?;
    Ok(())
}

pub(super) fn audit(tx: &Transaction<'_>, one: &Audit) -> rusqlite::Result<()> {
    let sql = "INSERT INTO audit(at_ms, who, peer, what, route, why, before, after, generation)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    tx.prepare_cached(sql)?.execute(params![
        millis(one.at),
        one.who,
        one.peer,
        one.what,
        one.route,
        one.why,
        one.before,
        one.after,
        one.generation
    ])?;
    Ok(())
}

fn generation(tx: &Transaction<'_>, one: &Generation) -> rusqlite::Result<()> {
    let sql =
        "INSERT OR REPLACE INTO generation(number, at_ms, changes, text) VALUES(?1, ?2, ?3, ?4)";
    tx.prepare_cached(sql)?
        .execute(params![one.number, millis(one.at), one.changes, one.text])?;
    let gone = one.number.saturating_sub(GENERATIONS_KEPT);
    tx.prepare_cached("DELETE FROM generation WHERE number <= ?1")?
        .execute([gone])?;
    Ok(())
}

/// What is old becomes coarser, then goes: old minutes become hours.
pub(super) fn tidy(tx: &Transaction<'_>, now: Duration) -> rusqlite::Result<()> {
    let minute = now.as_secs() / 60;
    let old = minute.saturating_sub(MINUTES_KEPT) / 60 * 60;
    let mut select = tx.prepare_cached(&format!(
        "SELECT {} FROM window WHERE span = 1 AND minute < ?1",
        super::read::WINDOW
    ))?;
    let mut rows = select.query([old])?;
    while let Some(row) = rows.next()? {
        if let Some(one) = super::read::window_of(row)? {
            window(tx, &one, 60)?;
        }
    }
    tx.prepare_cached("DELETE FROM window WHERE span = 1 AND minute < ?1")?
        .execute([old])?;
    tx.prepare_cached("DELETE FROM window WHERE minute < ?1")?
        .execute([minute.saturating_sub(HOURS_KEPT)])?;
    messages::tidy(tx, now)
}
