//! What is counted. Everything that a request touches is one core's own; a scrape adds the cores up.

pub mod stats;
pub mod http2;
pub mod registry;
