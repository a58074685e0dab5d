//! What a running gateway tells of the progress of its routes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::edge::Edge;
use crate::process::Ended;
use crate::wire::within;

/// How often something is looked at that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Edge {
    /// A JSON document of the admin listener.
    pub async fn told(&self, path: &str) -> Value {
        let answer = self.admin(path).send().await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// A route's line of the scoreboard.
    pub async fn row(&self, route: &str) -> Value {
        self.told(&format!("/migrations/{route}?minutes=15")).await
    }

    /// What is in force for a route and why, as verbs tell it: `canary`, `legacy (killed by ...)`.
    pub async fn in_force(&self, route: &str) -> String {
        in_force(&self.row(route).await)
    }

    /// What readiness says is not as it should be.
    pub async fn details(&self) -> Vec<String> {
        let details = self.told("/readyz").await["details"].take();
        serde_json::from_value(details).expect("details are texts")
    }

    /// Waits until a document of admin is as `wanted` says.
    pub async fn tells(&self, path: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let telling = async {
            loop {
                let told = self.told(path).await;
                if wanted(&told) {
                    return told;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        within(what, telling).await
    }

    /// Says something of a route over admin, and hands back what came of it.
    pub async fn says(&self, route: &str, verb: &str, who: &str, why: &str) -> Value {
        let path = format!("/migrations/{route}/{verb}");
        let order = json!({ "who": who, "why": why });
        let answer = self.admin_client().post(&path).json(&order).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Runs a command that must succeed, and hands back what it printed.
    pub async fn prints(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.stdout.trim_end().to_owned()
    }

    /// Runs a command that must be refused with exit code 1, and hands back the reason.
    pub async fn refuses(&self, arguments: &[&str]) -> String {
        refusal(&self.run(arguments).await)
    }
}

/// What a command that was refused said.
pub fn refusal(ended: &Ended) -> String {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stdout, "", "{ended:?}");
    ended.stderr.trim_end().to_owned()
}

/// What is in force by a line of the scoreboard.
pub fn in_force(row: &Value) -> String {
    let phase = row["effective"]["phase"].as_str().expect("a phase");
    match row["effective"]["reason"].as_str() {
        Some(reason) => format!("{phase} ({reason})"),
        None => phase.to_owned(),
    }
}
