//! A state file that cannot be used is said everywhere and touched nowhere; traffic goes on as the file declares.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;
use tests::edge::{Edge, Plan};
use tests::origin::Origin;
use tests::sides::Sides;

/// What is in a folder, with what the files say.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// A canary of everybody, with its state there.
fn plan(sides: &Sides, state: &Path) -> Plan {
    let state = format!("[state]\npath = \"{}\"\n", state.display());
    let plan = sides.edge("phase = \"canary\"\ncanary.percent = 100\n");
    plan.edit(|text| format!("{text}\n{state}"));
    plan
}

async fn sides() -> Sides {
    Sides {
        legacy: Origin::saying("legacy").await,
        service: Origin::saying("service").await,
    }
}

async fn side(edge: &Edge) -> String {
    let answer = edge
        .get("/api/orders/1")
        .header("x-device-id", "ana")
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("x-served-by"), Some(answer.text()));
    answer.text().to_owned()
}

/// Serves on the declared phase, says everywhere what is wrong, and obeys all the same.
async fn serves_without(sides: &Sides, state: &Path, why: &str) {
    let edge = plan(sides, state).start().await;
    assert_eq!(side(&edge).await, "service", "{why}");

    let said = |text: &str| text.contains(why) && text.contains(state.to_str().unwrap());
    let details = edge.details().await;
    assert_eq!(details.len(), 1, "{details:?}");
    assert!(
        details[0].starts_with("state is not kept: ") && said(&details[0]),
        "{details:?}"
    );
    let logged =
        |line: &str| (line.contains("the declared phases rule") && said(line)).then_some(());
    edge.logged("the trouble", 0, logged).await;
    let status = edge.prints(&["status"]).await;
    assert!(said(&status) && status.contains("canary"), "{status}");
    let board: Value =
        serde_json::from_str(&edge.prints(&["status", "--output", "json"]).await).unwrap();
    assert!(said(board["trouble"].as_str().unwrap()), "{board}");
    for path in ["/audit", "/generations", "/migrations/orders/events"] {
        let answer = edge.admin(path).send().await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (503, "state_unavailable")
        );
        assert!(
            said(answer.json()["detail"].as_str().unwrap()),
            "{answer:?}"
        );
    }

    let killed = ["kill", "orders", "--why", "it fails", "--who", "ana"];
    let ended = edge.run(&killed).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended
            .stdout
            .starts_with("orders: canary -> legacy (killed by ana, "),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("ends with the gateway's process") && said(&ended.stderr),
        "{ended:?}"
    );
    assert_eq!(side(&edge).await, "legacy", "{why}");
    let done = edge.says("orders", "resume", "ana", "it works").await;
    assert_eq!(done["kept"], false, "{done}");
    assert!(said(done["trouble"].as_str().unwrap()), "{done}");
    assert_eq!(side(&edge).await, "service", "{why}");
    edge.take_over(|text| text.replace("= 100", "= 0")).await;
    assert_eq!(side(&edge).await, "legacy", "{why}");
    edge.stop().await;
}

#[tokio::test]
async fn no_such_folder() {
    let (sides, folder) = (sides().await, tempfile::tempdir().unwrap());
    let state = folder.path().join("missing/state.db");
    serves_without(&sides, &state, "cannot be opened").await;
    assert_eq!(files(folder.path()), []);
}

#[tokio::test]
async fn a_folder_that_nobody_can_write() {
    // Not even root.
    serves_without(
        &sides().await,
        Path::new("/proc/banyan.db"),
        "cannot be opened",
    )
    .await;
}

#[tokio::test]
async fn something_else() {
    let (sides, folder) = (sides().await, tempfile::tempdir().unwrap());
    let state = folder.path().join("state.db");
    std::fs::write(
        &state,
        "a letter to somebody, longer than a header\n".repeat(200),
    )
    .unwrap();
    let before = files(folder.path());
    serves_without(&sides, &state, "is damaged or no state file").await;
    assert_eq!(files(folder.path()), before);
}

#[tokio::test]
async fn somebody_elses_tables() {
    let (sides, folder) = (sides().await, tempfile::tempdir().unwrap());
    let state = folder.path().join("state.db");
    Connection::open(&state)
        .unwrap()
        .execute_batch("CREATE TABLE theirs(x)")
        .unwrap();
    let before = files(folder.path());
    serves_without(&sides, &state, "tables of somebody else").await;
    assert_eq!(files(folder.path()), before);
}

#[tokio::test]
async fn what_a_newer_gateway_wrote() {
    let (sides, folder) = (sides().await, tempfile::tempdir().unwrap());
    let state = folder.path().join("state.db");
    let edge = plan(&sides, &state).start().await;
    edge.says("orders", "hold", "ana", "of today").await;
    edge.stop().await;
    let connection = Connection::open(&state).unwrap();
    let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let today = connection
        .query_row("PRAGMA user_version", [], read)
        .unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = files(folder.path());
    serves_without(&sides, &state, "schema 99").await;
    assert_eq!(files(folder.path()), before);

    // Nothing was lost to whoever knows it.
    let connection = Connection::open(&state).unwrap();
    connection
        .pragma_update(None, "user_version", today)
        .unwrap();
    drop(connection);
    let edge = plan(&sides, &state).start().await;
    assert!(edge.in_force("orders").await.ends_with("of today)"));
    edge.stop().await;
}

#[tokio::test]
async fn a_restart_mends_what_a_person_mended() {
    let (sides, folder) = (sides().await, tempfile::tempdir().unwrap());
    let state = folder.path().join("later/state.db");
    let edge = plan(&sides, &state).start().await;
    assert_eq!(edge.details().await.len(), 1);
    std::fs::create_dir(folder.path().join("later")).unwrap();
    let edge = edge.stopped().await.start().await;
    assert_eq!(edge.details().await, [""; 0]);
    assert_eq!(
        edge.says("orders", "kill", "ana", "it fails").await["kept"],
        true
    );
    let edge = edge.killed().await.start().await;
    assert_eq!(side(&edge).await, "legacy");
    edge.stop().await;
}

#[tokio::test]
async fn what_is_said_while_somebody_holds_the_file_is_kept_as_soon_as_it_can_be() {
    let (sides, folder) = (sides().await, tempfile::tempdir().unwrap());
    let state = folder.path().join("state.db");
    let edge = plan(&sides, &state).start().await;
    let connection = Connection::open(&state).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let done = edge.says("orders", "kill", "ana", "it fails").await;
    assert_eq!(done["kept"], false, "{done}");
    assert_eq!(side(&edge).await, "legacy");
    assert!(edge.details().await[0].contains("cannot be written"));

    connection.execute_batch("ROLLBACK").unwrap();
    let fine = |ready: &Value| ready["details"] == Value::Array(Vec::new());
    edge.tells("/readyz", "the end of the trouble", fine).await;
    let edge = edge.killed().await.start().await;
    assert_eq!(side(&edge).await, "legacy");
    let audit = edge.told("/audit").await;
    assert_eq!(audit.as_array().unwrap().len(), 1, "{audit}");
    edge.stop().await;
}
