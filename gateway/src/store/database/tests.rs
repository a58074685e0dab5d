use super::*;
use crate::store::rows::{Document, Use, Window};
use strangler::Side;

mod outbox;

const NOW: Duration = Duration::from_hours(500_000);

fn window(minute: u64, ok: u64) -> Window {
    Window {
        route: "orders".to_owned(),
        side: Side::Legacy,
        minute,
        classes: [0, ok, 0, 0, 1],
        latency: [(7, ok), (9, 1)].into_iter().collect(),
    }
}

fn seen(client: &str, last: Duration) -> Use {
    Use {
        route: "orders".to_owned(),
        client: client.to_owned(),
        user_agent: "curl".to_owned(),
        status: "ok".to_owned(),
        count: 1,
        first: last,
        last,
    }
}

fn document(body: Option<&str>) -> Document {
    Document {
        kind: "standing",
        name: "orders".to_owned(),
        body: body.map(str::to_owned),
    }
}

fn audit() -> Audit {
    Audit {
        at: NOW,
        who: "ana".to_owned(),
        peer: "127.0.0.1".to_owned(),
        what: "kill".to_owned(),
        route: "orders".to_owned(),
        why: "checkout 500s".to_owned(),
        before: "canary".to_owned(),
        after: "legacy".to_owned(),
        generation: 3,
    }
}

#[test]
fn what_was_written_is_there_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let minute = NOW.as_secs() / 60;
    let store = Store::open(&path).unwrap();
    let batch = Batch {
        documents: vec![document(Some("{}"))],
        windows: vec![window(minute, 5)],
        uses: vec![seen("10.0.0.1", NOW)],
        audit: vec![audit()],
        ..Batch::default()
    };
    store.write(batch.clone()).unwrap();
    // Another process at the same file only adds.
    let other = Store::open(&path).unwrap();
    let again = Batch {
        documents: vec![],
        ..batch
    };
    other.write(again).unwrap();
    drop((store, other));
    let store = Store::open(&path).unwrap();
    let known = store.known(NOW).unwrap();
    let expected = ("standing".to_owned(), "orders".to_owned(), "{}".to_owned());
    assert_eq!(known.documents, [expected]);
    assert_eq!(known.windows.len(), 1);
    assert_eq!(known.windows[0].classes, [0, 10, 0, 0, 2]);
    assert_eq!(known.windows[0].latency.total(), 12);
    assert_eq!(known.uses[0].count, 2);
    assert_eq!(store.audit(10).unwrap(), [audit(), audit()]);
    let gone = Batch {
        documents: vec![document(None)],
        ..Batch::default()
    };
    store.write(gone).unwrap();
    assert_eq!(store.known(NOW).unwrap().documents, []);
}

#[test]
fn a_file_that_was_removed_or_replaced_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = Store::open(&path).unwrap();
    let batch = || Batch {
        audit: vec![audit()],
        ..Batch::default()
    };
    store.write(batch()).unwrap();
    let aside = folder.path().join("aside.db");
    std::fs::rename(&path, &aside).unwrap();
    let gone = store.write(batch()).unwrap_err();
    assert!(matches!(gone, StoreError::Gone { .. }), "{gone}");
    std::fs::copy(&aside, &path).unwrap();
    assert!(store.write(batch()).is_err());
    std::fs::rename(&aside, &path).unwrap();
    store.write(batch()).unwrap();
}

#[test]
fn nothing_changes_the_audit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = Store::open(&path).unwrap();
    let batch = Batch {
        audit: vec![audit()],
        ..Batch::default()
    };
    store.write(batch).unwrap();
    let connection = Connection::open(&path).unwrap();
    for sql in [
        "DELETE FROM audit",
        "UPDATE audit SET who = 'bob'",
        "INSERT OR REPLACE INTO audit SELECT id, at_ms, 'bob', peer, what, route, why, before, after, generation FROM audit",
    ] {
        let refused = connection.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains("only appended to"), "{refused}");
    }
}

#[test]
fn old_minutes_become_hours_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = Store::open(&path).unwrap();
    let minute = NOW.as_secs() / 60;
    let old = minute - 600;
    let windows = (0..120).map(|n| window(old + n, 1));
    let windows = windows.chain([window(minute, 1)]).collect();
    let many = (0..600).map(|n| seen(&format!("client {n}"), NOW + Duration::from_secs(n)));
    let batch = Batch {
        windows,
        uses: many.collect(),
        ..Batch::default()
    };
    store.write(batch).unwrap();
    store.tidy(NOW).unwrap();
    let count = |sql: &str| -> i64 {
        let connection = Connection::open(&path).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count("SELECT count(*) FROM window WHERE span = 1"), 1);
    assert!(count("SELECT count(*) FROM window WHERE span = 60") <= 3);
    assert_eq!(count("SELECT sum(c2) FROM window WHERE span = 60"), 120);
    assert_eq!(count("SELECT count(*) FROM use"), 500);
    assert_eq!(
        count("SELECT min(last_ms) FROM use"),
        read::millis(NOW + Duration::from_secs(100))
    );
}

#[test]
fn a_file_that_is_not_ours_to_read_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    std::fs::write(
        &path,
        "not a database, and longer than its header would be".repeat(9),
    )
    .unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("not a"));

    let newer = folder.path().join("newer.db");
    drop(Store::open(&newer).unwrap().known(NOW));
    let connection = Connection::open(&newer).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Store::open(&newer).unwrap_err();
    let known = schema::known();
    assert!(
        matches!(error, StoreError::Newer { found: 99, known: k, .. } if k == known),
        "{error}"
    );

    let others = folder.path().join("others.db");
    let connection = Connection::open(&others).unwrap();
    connection.execute_batch("CREATE TABLE theirs(x)").unwrap();
    let error = Store::open(&others).unwrap_err();
    assert!(error.to_string().contains("somebody else"), "{error}");

    let nowhere = folder.path().join("no/such/folder/state.db");
    let error = Store::open(&nowhere).unwrap_err();
    assert!(error.to_string().contains("[state] path"), "{error}");
}

#[test]
fn a_page_that_was_damaged_is_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = Store::open(&path).unwrap();
    let batch = Batch {
        audit: vec![audit(); 2_000],
        ..Batch::default()
    };
    store.write(batch).unwrap();
    drop(store);
    // The last connection's end brings the log into the file.
    Connection::open(&path)
        .and_then(|connection| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        })
        .unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].fill(0x5a);
    std::fs::write(&path, &bytes).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}
