//! A gateway before the two sides of one route, and what its metrics say of the copies.

use std::time::Duration;

use crate::edge::{Edge, Plan};
use crate::origin::{Origin, Reply};
use crate::wire::within;

/// How often a counter is looked at that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The two sides of `/api/orders`.
#[derive(Debug)]
pub struct Sides {
    /// The old one.
    pub legacy: Origin,
    /// The new one.
    pub service: Origin,
}

impl Sides {
    /// Both answer everything so.
    pub async fn saying(legacy: &str, service: &str) -> Self {
        Self {
            legacy: Origin::scripted([json(legacy)]).await,
            service: Origin::scripted([json(service)]).await,
        }
    }

    /// A gateway before them; `rest` follows `[route.orders]`.
    pub fn edge(&self, rest: &str) -> Plan {
        Edge::with_routes(&routes(&self.legacy.url(), &self.service.url(), rest))
    }
}

/// A file with the two sides of `/api/orders`; `rest` follows `[route.orders]`.
pub fn routes(legacy: &str, service: &str, rest: &str) -> String {
    format!(
        r#"
        [upstream.monolith]
        endpoints = ["{legacy}"]
        [upstream.orders]
        endpoints = ["{service}"]
        [route.orders]
        path = "/api/orders"
        auth = "none"
        legacy = "monolith"
        service = "orders"
        sticky = ["header:x-device-id"]
        {rest}
        "#
    )
}

/// A whole 200 with this JSON.
pub fn json(text: &str) -> Reply {
    let length = text.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
    Reply::Bytes(format!("{head} {length}\r\n\r\n{text}").into_bytes())
}

impl Edge {
    /// A number of `/metrics`, by its name and one of its labels' values, if it has any; none yet is 0.
    pub async fn metric(&self, name: &str, label: &str) -> u64 {
        let text = self.admin("/metrics").send().await;
        let said = match label {
            "" => String::new(),
            label => format!("\"{label}\""),
        };
        let mut lines = text.text().lines();
        let line = lines.find(|line| line.starts_with(name) && line.contains(&said));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or_default()
    }

    /// So many of a route's pairs came to this.
    pub async fn pairs(&self, outcome: &str) -> u64 {
        self.metric("banyan_shadow_pairs_total", outcome).await
    }

    /// So many requests came to no pair for this reason.
    pub async fn dropped(&self, reason: &str) -> u64 {
        self.metric("banyan_shadow_dropped_total", reason).await
    }

    /// Waits until so many pairs came to this.
    pub async fn has_pairs(&self, outcome: &str, count: u64) {
        self.reaches("banyan_shadow_pairs_total", outcome, count)
            .await;
    }

    /// Waits until so many requests came to no pair for this reason.
    pub async fn has_dropped(&self, reason: &str, count: u64) {
        self.reaches("banyan_shadow_dropped_total", reason, count)
            .await;
    }

    async fn reaches(&self, name: &str, label: &str, count: u64) {
        let reached = async {
            while self.metric(name, label).await < count {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        within(&format!("{name} {label} {count}"), reached).await;
        assert_eq!(self.metric(name, label).await, count, "{name} {label}");
    }
}
