//! HTTP/2 towards clients: one port for both versions, requests and answers in both directions, and clients that break
//! rules or try to be a burden.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]
#![expect(
    clippy::too_many_lines,
    reason = "a table of cases has a line for each"
)]

mod abuse;
mod conformance;
mod grpc;
mod passing;
mod speaking;

use tests::edge::{Edge, Plan};

/// A gateway before this backend. `edge` are further lines of `[edge]`.
fn before(url: &str, edge: &str) -> Plan {
    Edge::with_routes(&format!(
        r#"
        [edge]
        bind = "127.0.0.1:0"
        {edge}
        [defaults.route]
        auth = "none"
        [upstream.old]
        endpoints = ["{url}"]
        [route.all]
        path = "/"
        upstream = "old"
        "#
    ))
}

/// How often connections were ended for this reason.
async fn ended(edge: &Edge, reason: &str) -> u64 {
    let metrics = edge.admin("/metrics").send().await;
    let name = format!("banyan_http2_ended_total{{reason=\"{reason}\"}} ");
    let line = metrics
        .text()
        .lines()
        .find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |count| count.parse().unwrap())
}
