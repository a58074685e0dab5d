//! Reads rows back.

use std::collections::BTreeSet;
use std::time::Duration;

use chassis::telemetry::latency::Sketch;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use strangler::Side;

use super::rows::{Audit, Diff, Event, Generation, Known, Use, Window};

/// The columns of [`window_of`].
pub(super) const WINDOW: &str = "route, side, minute, c1, c2, c3, c4, c5, latency";

/// How many minutes of windows are read back at the start.
const RECENT: u64 = 60;

pub(super) fn known(connection: &Connection, now: Duration) -> rusqlite::Result<Known> {
    let mut select = connection.prepare("SELECT kind, name, body FROM document")?;
    let documents = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let documents = documents.collect::<Result<_, _>>()?;
    let since = (now.as_secs() / 60).saturating_sub(RECENT);
    let sql = format!("SELECT {WINDOW} FROM window WHERE span = 1 AND minute >= ?1");
    let mut select = connection.prepare(&sql)?;
    let windows = select.query_map([since], window_of)?;
    let windows: Vec<Option<Window>> = windows.collect::<Result<_, _>>()?;
    let mut select = connection.prepare("SELECT route, key, body FROM diff")?;
    let diffs = select.query_map([], |row| {
        Ok(Diff {
            route: row.get(0)?,
            key: row.get(1)?,
            body: row.get(2)?,
        })
    })?;
    let diffs = diffs.collect::<Result<_, _>>()?;
    Ok(Known {
        documents,
        windows: windows.into_iter().flatten().collect(),
        uses: uses(connection)?,
        diffs,
        generation: generation(connection, None)?,
    })
}

/// A row of [`WINDOW`]; a side that nobody knows is left out.
pub(super) fn window_of(row: &Row<'_>) -> rusqlite::Result<Option<Window>> {
    let side: String = row.get(1)?;
    let sides = [Side::Legacy, Side::Service];
    let Some(side) = sides.into_iter().find(|known| known.as_str() == side) else {
        return Ok(None);
    };
    Ok(Some(Window {
        route: row.get(0)?,
        side,
        minute: row.get(2)?,
        classes: [
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
            row.get(7)?,
        ],
        latency: sketch_of(row.get_ref(8)?.as_blob()?),
    }))
}

fn uses(connection: &Connection) -> rusqlite::Result<Vec<Use>> {
    let sql = "SELECT route, client, user_agent, status, count, first_ms, last_ms FROM use";
    let mut select = connection.prepare(sql)?;
    let uses = select.query_map([], |row| {
        Ok(Use {
            route: row.get(0)?,
            client: row.get(1)?,
            user_agent: row.get(2)?,
            status: row.get(3)?,
            count: row.get(4)?,
            first: time(row, 5)?,
            last: time(row, 6)?,
        })
    })?;
    uses.collect()
}

/// The newest first; of one route, or of all.
pub(super) fn events(
    connection: &Connection,
    route: Option<&str>,
    limit: u32,
) -> rusqlite::Result<Vec<Event>> {
    let sql = "SELECT at_ms, route, from_phase, to_phase, actor, who, why, generation, detail, uid FROM event
        WHERE ?1 IS NULL OR route = ?1 OR route = '*' ORDER BY id DESC LIMIT ?2";
    let mut select = connection.prepare(sql)?;
    let events = select.query_map(params![route, limit], |row| {
        Ok(Event {
            at: time(row, 0)?,
            route: row.get(1)?,
            from: row.get(2)?,
            to: row.get(3)?,
            actor: row.get(4)?,
            who: row.get(5)?,
            why: row.get(6)?,
            generation: row.get(7)?,
            detail: row.get(8)?,
            id: row.get::<_, Option<String>>(9)?.unwrap_or_default(),
        })
    })?;
    events.collect()
}

/// Those that are there.
pub(super) fn known_events(
    connection: &Connection,
    names: &[String],
) -> rusqlite::Result<BTreeSet<String>> {
    let mut select = connection.prepare("SELECT 1 FROM event WHERE uid = ?1")?;
    let mut known = BTreeSet::new();
    for name in names {
        if select.exists([name])? {
            known.insert(name.clone());
        }
    }
    Ok(known)
}

/// The newest first.
pub(super) fn audit(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<Audit>> {
    let sql = "SELECT at_ms, who, peer, what, route, why, before, after, generation FROM audit
        ORDER BY id DESC LIMIT ?1";
    let mut select = connection.prepare(sql)?;
    let lines = select.query_map([limit], |row| {
        Ok(Audit {
            at: time(row, 0)?,
            who: row.get(1)?,
            peer: row.get(2)?,
            what: row.get(3)?,
            route: row.get(4)?,
            why: row.get(5)?,
            before: row.get(6)?,
            after: row.get(7)?,
            generation: row.get(8)?,
        })
    })?;
    lines.collect()
}

/// That one, or the last.
pub(super) fn generation(
    connection: &Connection,
    number: Option<u64>,
) -> rusqlite::Result<Option<Generation>> {
    let sql = "SELECT number, at_ms, changes, text FROM generation
        WHERE ?1 IS NULL OR number = ?1 ORDER BY number DESC LIMIT 1";
    connection
        .query_row(sql, [number], generation_of)
        .optional()
}

/// The newest first.
pub(super) fn generations(
    connection: &Connection,
    limit: u32,
) -> rusqlite::Result<Vec<Generation>> {
    let sql = "SELECT number, at_ms, changes, text FROM generation ORDER BY number DESC LIMIT ?1";
    let mut select = connection.prepare(sql)?;
    let all = select.query_map([limit], generation_of)?;
    all.collect()
}

fn generation_of(row: &Row<'_>) -> rusqlite::Result<Generation> {
    Ok(Generation {
        number: row.get(0)?,
        at: time(row, 1)?,
        changes: row.get(2)?,
        text: row.get(3)?,
    })
}

/// Since 1970, in whole milliseconds.
pub(super) fn millis(at: Duration) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Duration> {
    Ok(Duration::from_millis(row.get(column)?))
}

/// Two bytes for a bucket, eight for its count, the low ones first.
pub(super) fn latency_of(sketch: &Sketch) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (bucket, count) in sketch.buckets() {
        bytes.extend(bucket.to_le_bytes());
        bytes.extend(count.to_le_bytes());
    }
    bytes
}

/// What [`latency_of`] wrote.
pub(super) fn sketch_of(bytes: &[u8]) -> Sketch {
    let (pairs, _) = bytes.as_chunks::<10>();
    let pair =
        |[a, b, count @ ..]: &[u8; 10]| (u16::from_le_bytes([*a, *b]), u64::from_le_bytes(*count));
    pairs.iter().map(pair).collect()
}
