//! Two gateways with one Redis, before the two sides of one route.

use std::time::Duration;

use serde_json::Value;
use tests::edge::{Edge, Plan};
use tests::moody::Moody;
use tests::redis::Redis;
use tests::sides::routes;

/// What is said or judged must be in force everywhere after so long.
pub(crate) const EVERYWHERE: Duration = Duration::from_secs(2);

/// A canary that a person leads.
pub(crate) const HAND: &str = "percent = 25";

/// The backends.
pub(crate) struct Sides {
    pub(crate) legacy: Moody,
    pub(crate) service: Moody,
}

impl Sides {
    /// Both are well.
    pub(crate) async fn new() -> Self {
        Self {
            legacy: Moody::new().await,
            service: Moody::new().await,
        }
    }

    /// A gateway before them that shares what it knows in `redis`.
    pub(crate) fn plan(&self, redis: &str, canary: &str) -> Plan {
        let rest = format!(
            "phase = \"canary\"
            [route.orders.canary]
            {canary}
            [route.orders.judge]
            interval = \"1s\"
            min_samples = 300
            max_error_rate_delta = 0.02
            [log]
            access = \"off\"
            [state]
            redis = \"{redis}\"\n"
        );
        Edge::with_routes(&routes(&self.legacy.url(), &self.service.url(), &rest))
    }
}

/// Two of them, once they know who judges: the judge first.
pub(crate) async fn pair(sides: &Sides, redis: &Redis, canary: &str) -> (Edge, Edge) {
    let one = sides.plan(&redis.url(), canary).start().await;
    let other = sides.plan(&redis.url(), canary).start().await;
    let judges = [judge_of(&one).await, judge_of(&other).await];
    assert_eq!(judges[0], judges[1], "there is one judge");
    if is_judge(&one).await {
        (one, other)
    } else {
        (other, one)
    }
}

/// Who judges, as this gateway knows it.
pub(crate) async fn judge_of(edge: &Edge) -> String {
    let known = |board: &Value| board["company"]["judge"].is_string();
    let board = edge.tells("/migrations", "who judges", known).await;
    board["company"]["judge"].as_str().unwrap().to_owned()
}

pub(crate) async fn is_judge(edge: &Edge) -> bool {
    let board = edge.told("/migrations").await;
    board["company"]["judge"] == board["company"]["me"]
}

/// Waits until the route's row is as `wanted` says, and hands it back.
pub(crate) async fn row(edge: &Edge, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    edge.tells("/migrations/orders", what, wanted).await
}

/// The same, within the time in which everybody must know.
pub(crate) async fn soon(edge: &Edge, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let known = tokio::time::timeout(EVERYWHERE, row(edge, what, wanted)).await;
    known.unwrap_or_else(|_| panic!("{what}: not within {EVERYWHERE:?}"))
}

/// It is in this phase.
pub(crate) fn phase(wanted: &'static str) -> impl Fn(&Value) -> bool {
    move |row| row["effective"]["phase"] == wanted
}

/// Waits until the gateway shares, or does not.
pub(crate) async fn shares(edge: &Edge, wanted: bool) {
    let says = |board: &Value| {
        let company = &board["company"];
        company["judge"].is_string() == wanted && company["away"].is_null() == wanted
    };
    edge.tells("/migrations", "its word on Redis", says).await;
}
