//! A canary between two upstreams of changing moods, with users who ask all the time.

use std::time::Duration;

use serde_json::Value;
use tests::edge::{Edge, Plan};
use tests::moody::{Mood, Moody};
use tests::sides::routes;
use tests::users::{Heard, Users};

/// What users ask for.
pub(crate) const PATH: &str = "/api/orders/1";

/// How many there are.
pub(crate) const USERS: usize = 3_000;

/// Two sides.
pub(crate) struct Canary {
    pub(crate) legacy: Moody,
    pub(crate) service: Moody,
}

impl Canary {
    /// Both are well.
    pub(crate) async fn new() -> Self {
        Self {
            legacy: Moody::new().await,
            service: Moody::new().await,
        }
    }

    /// Both take about so long.
    pub(crate) fn take(&self, latency: Duration) {
        for side in [&self.legacy, &self.service] {
            side.is(well(latency));
        }
    }

    /// A gateway before them. `canary` and `judge` are keys below those words.
    pub(crate) fn plan(&self, canary: &str, judge: &str) -> Plan {
        let rest = format!(
            "phase = \"canary\"\n[route.orders.canary]\n{canary}\n[route.orders.judge]\ninterval = \"1s\"\n{judge}\n"
        );
        let rest = format!("{rest}[log]\naccess = \"off\"\n");
        let text = routes(&self.legacy.url(), &self.service.url(), &rest);
        Edge::with_routes(&text)
    }
}

/// Answers well, and takes about so long.
pub(crate) fn well(latency: Duration) -> Mood {
    Mood {
        latency,
        ..Mood::default()
    }
}

/// All users, so many requests a second.
pub(crate) fn users(edge: &Edge, rate: u32) -> Users {
    Users::asking(|| edge.client(), PATH, USERS, rate)
}

/// Waits until that is in force, and says what the scoreboard then tells.
pub(crate) async fn until(edge: &Edge, phase: &str) -> Value {
    let there = |row: &Value| row["effective"]["phase"] == phase;
    edge.tells("/migrations/orders", phase, there).await
}

/// Waits until the judge has looked so often at the step in force that legacy has this many samples.
pub(crate) async fn until_samples(edge: &Edge, side: &str, samples: u64) -> Value {
    let there = |row: &Value| row["judge"][side]["samples"].as_u64() >= Some(samples);
    let what = format!("{samples} samples of {side}");
    edge.tells("/migrations/orders", &what, there).await
}

/// Waits until it is known what is slow.
pub(crate) async fn until_timed(edge: &Edge) -> Value {
    let there = |row: &Value| row["judge"]["slow_above_ms"].is_number();
    edge.tells("/migrations/orders", "legacy's p99", there)
        .await
}

/// The newest event of the route.
pub(crate) async fn last_event(edge: &Edge) -> Value {
    edge.told("/migrations/orders/events?limit=1").await[0].take()
}

/// Nothing moves for so many looks of the judge.
pub(crate) async fn stays(edge: &Edge, looks: u64) -> Value {
    let age = |row: &Value| row["judge"]["looks"].as_u64().unwrap_or_default();
    let from = age(&edge.row("orders").await);
    let stayed = |row: &Value| {
        assert_eq!(row["effective"]["phase"], "canary", "{row}");
        assert_ne!(row["judge"]["verdict"], "rollback", "{row}");
        age(row) >= from + looks
    };
    edge.tells("/migrations/orders", "looks of the judge", stayed)
        .await
}

/// Nobody heard anything but answers.
pub(crate) fn all_well(heard: &[Heard]) {
    let bad: Vec<&Heard> = heard.iter().filter(|one| one.status != Some(200)).collect();
    assert!(
        bad.is_empty(),
        "{} of {}: {:?}",
        bad.len(),
        heard.len(),
        bad[0]
    );
}
