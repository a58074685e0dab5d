//! A gateway with one route to one upstream.

use tests::edge::{Edge, Plan};

/// What is asked a thousand times a second writes no line of each.
pub(crate) const QUIET: &str = "\n[log]\naccess = \"off\"\n";

/// Everything goes to `m`; `more` follows `[upstream.m]` and its endpoints.
pub(crate) fn upstream(endpoints: &[String], more: &str) -> Plan {
    Edge::with_routes(&routes(endpoints, more))
}

/// Its file.
pub(crate) fn routes(endpoints: &[String], more: &str) -> String {
    format!(
        r#"
        [route.all]
        path = "/"
        auth = "none"
        upstream = "m"
        [upstream.m]
        endpoints = {endpoints:?}
        {more}
        "#
    )
}
