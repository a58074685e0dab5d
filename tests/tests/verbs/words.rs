//! The commands: what they print, what they refuse, and where their words are seen.

use serde_json::{Value, json};
use tests::edge::{Edge, Plan};
use tests::origin::Origin;
use tests::progress::refusal;
use tests::sides::Sides;

const CANARY: &str = "phase = \"canary\"\ncanary.percent = 50\nsalt = \"orders-v2\"\n";

async fn sides() -> Sides {
    Sides {
        legacy: Origin::saying("legacy").await,
        service: Origin::saying("service").await,
    }
}

/// A canary, a route in shadow, a route outside the migration; who is logged in is ana.
fn plan(sides: &Sides) -> Plan {
    let plan = sides.edge(CANARY).env("USER", "ana");
    plan.edit(|text| {
        format!(
            r#"{text}
            [route.cart]
            path = "/api/cart"
            auth = "none"
            legacy = "monolith"
            service = "orders"
            phase = "shadow"
            [route.pages]
            path = "/"
            auth = "none"
            upstream = "monolith"
            "#
        )
        .replace("[admin]\n", "[admin]\ntrusted = [\"127.0.0.1\"]\n")
    });
    plan
}

/// alice is in bucket 318 of this salt: among the first who move.
async fn alice(edge: &Edge) -> (String, String) {
    let request = edge.get("/api/orders/1").header("x-device-id", "alice");
    let answer = request.send().await;
    assert_eq!(answer.status, 200);
    let reason = answer
        .field("x-route-reason")
        .expect("a trusted peer is told");
    (answer.text().to_owned(), reason.to_owned())
}

/// "killed by ana, 2026-11-25 03:12 UTC: it fails", whatever the time.
fn timeless(said: &str) -> String {
    let mut parts = said.splitn(2, ", ");
    let (who, rest) = (parts.next().unwrap(), parts.next().unwrap());
    let (at, why) = rest.split_once(": ").unwrap();
    assert!(at.starts_with("20") && at.ends_with(" UTC"), "{said}");
    format!("{who}: {why}")
}

#[tokio::test]
async fn each_word_is_printed_seen_everywhere_and_still_there_after_a_restart() {
    let sides = sides().await;
    let mut edge = plan(&sides).start().await;
    assert_eq!(alice(&edge).await.0, "service");
    for (words, printed, reason) in [
        (
            &["kill", "orders"][..],
            "orders: canary -> legacy (killed by ana: it fails)",
            "killed",
        ),
        (&["resume", "orders"], "", "bucket"),
        (
            &["rollback", "orders"],
            "orders: canary -> rolled_back (rolled back by ana: it fails)",
            "rolled_back",
        ),
        (&["resume", "orders", "--keep-cohort"], "", "bucket"),
        (
            &["hold", "orders"],
            "orders: canary -> canary (held by ana: it fails)",
            "bucket",
        ),
        (&["resume", "orders"], "", "bucket"),
        (
            &["kill", "--all"],
            "all routes: as each route is -> killed by ana: it fails",
            "killed",
        ),
    ] {
        let command = [words, &["--why", "it fails"]].concat();
        let said = edge.prints(&command).await;
        if printed.is_empty() {
            assert!(said.ends_with(" -> canary"), "{said}");
        } else {
            assert_eq!(timeless(&said), printed);
        }
        edge = edge.killed().await.start().await;
        let (side, told) = alice(&edge).await;
        assert!(told.starts_with(reason), "{words:?}: {told}");
        let expected = if reason == "bucket" {
            "service"
        } else {
            "legacy"
        };
        assert_eq!(side, expected, "{words:?}");
        let line = |line: &Value| line["route"] == "orders";
        let line = edge.access_line("the line of alice", line).await;
        assert_eq!(
            (&line["reason"], &line["side"]),
            (&json!(reason), &json!(expected))
        );
        if !printed.is_empty() {
            let word = said.split_once(" by ").unwrap().1.trim_end_matches(')');
            assert_status(&edge, word).await;
        }
    }
    edge.stop().await;
}

/// The status says it in words and to programs.
async fn assert_status(edge: &Edge, word: &str) {
    let text = edge.prints(&["status"]).await;
    assert!(text.contains(word), "{text}");
    let text = edge.prints(&["status", "orders"]).await;
    assert!(text.contains(word), "{text}");
    let board: Value =
        serde_json::from_str(&edge.prints(&["status", "--output", "json"]).await).unwrap();
    let mut rows = board["routes"].as_array().unwrap().iter();
    let row = rows.find(|row| row["route"] == "orders").unwrap();
    assert_eq!(row["declared"], "canary");
    let reason = row["effective"]["reason"].as_str().unwrap();
    assert!(reason.contains(word), "{board}");
}

#[tokio::test]
async fn programs_get_it_as_json() {
    let sides = sides().await;
    let edge = plan(&sides).start().await;
    let command = [
        "kill", "orders", "--why", "it fails", "--who", "ben", "--output", "json",
    ];
    let done: Value = serde_json::from_str(&edge.prints(&command).await).unwrap();
    let after = done["after"].as_str().unwrap();
    assert_eq!(timeless(after), "legacy (killed by ben: it fails)");
    assert_eq!(
        done,
        json!({"route": "orders", "before": "canary", "after": after, "kept": true, "trouble": null})
    );
    // The first word stands: whoever said it is who others may want to ask.
    let again: Value = serde_json::from_str(&edge.prints(&command).await).unwrap();
    assert_eq!(
        (&again["before"], &again["after"]),
        (&done["after"], &done["after"])
    );
    let row: Value =
        serde_json::from_str(&edge.prints(&["status", "orders", "--output", "json"]).await)
            .unwrap();
    assert_eq!(row["effective"]["phase"], "legacy");
    let audit = edge.told("/audit").await;
    for line in audit.as_array().unwrap() {
        assert_eq!(
            (&line["who"], &line["what"]),
            (&json!("ben"), &json!("kill"))
        );
        assert_eq!(
            (&line["why"], &line["peer"]),
            (&json!("it fails"), &json!("127.0.0.1"))
        );
    }
    assert_eq!(audit.as_array().unwrap().len(), 2);
    let events = edge.told("/migrations/orders/events").await;
    assert_eq!(
        (&events[0]["to"], &events[0]["actor"]),
        (&json!(after), &json!("api"))
    );
    edge.stop().await;
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_with_what_to_do() {
    let sides = sides().await;
    let edge = plan(&sides).start().await;
    let why = ["--why", "it fails"];
    for (words, refusal) in [
        (
            &["kill", "ordres"][..],
            "there is no route \"ordres\"; did you mean \"orders\"?",
        ),
        (
            &["hold", "nothing-like-it"],
            "there is no route \"nothing-like-it\"",
        ),
        (
            &["kill", "pages"],
            "pages has no two sides: it is outside the migration",
        ),
        (
            &["rollback", "cart"],
            "cart is shadow: only a canary is rolled back; say kill, or declare another phase",
        ),
        (
            &["resume", "orders"],
            "nothing stands over orders: there is nothing to resume",
        ),
        (
            &["resume", "--all"],
            "nothing stands over all routes: there is nothing to resume",
        ),
        (
            &["status", "ordres"],
            "there is no route \"ordres\"; did you mean \"orders\"?",
        ),
    ] {
        let command = match words[0] {
            "status" => words.to_vec(),
            _ => [words, &why].concat(),
        };
        assert_eq!(edge.refuses(&command).await, format!("error: {refusal}"));
    }
    edge.prints(&["kill", "--all", "--why", "everything fails"])
        .await;
    let said = edge
        .refuses(&["resume", "orders", "--why", "it works"])
        .await;
    assert!(
        said.starts_with("error: orders is not killed by itself: all routes killed by ana"),
        "{said}"
    );
    assert_eq!(edge.told("/audit").await.as_array().unwrap().len(), 1);
    // Without a reason nothing is understood.
    assert_eq!(edge.run(&["kill", "orders"]).await.code, Some(2));
    let said = edge.refuses(&["kill", "orders", "--why", "  "]).await;
    assert!(said.starts_with("error: why is empty"), "{said}");
    edge.stop().await;
}

#[tokio::test]
async fn where_nobody_answers_it_says_where_it_asked_and_what_to_do() {
    let sides = sides().await;
    let edge = plan(&sides).start().await;
    let (address, plan) = (edge.admin_address, edge.stopped().await);
    let admin = format!("http://{address}");
    for command in [
        &["status", "--admin", &admin][..],
        &["kill", "orders", "--why", "it fails", "--admin", &admin],
    ] {
        let said = refusal(&plan.run(command).await);
        assert!(
            said.contains(&format!("no gateway answers at {admin}")),
            "{said}"
        );
        assert!(said.contains("--admin"), "{said}");
    }
    // Free ports are known to nobody.
    let said = refusal(&plan.run(&["status"]).await);
    assert!(
        said.contains("port 0") && said.contains("--admin"),
        "{said}"
    );
}
