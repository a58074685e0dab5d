//! The edge: routes.toml in, one decision per request out.
//!
//! Modules stand lowest first. A folder is a feature; in it, `config.rs` is a thing as written, `compiled.rs` as the
//! data path uses it, `state.rs` what stays alive over reloads, `stage.rs` what happens to a request.

pub mod metrics;
pub mod listener;
pub mod tls;
pub mod store;
pub mod replicas;
pub mod notify;
pub mod decommission;
pub mod log;
pub mod auth;
pub mod rate_limit;
pub mod forward;
pub mod shadow;
pub mod judge;
pub mod side;
pub mod cors;
pub mod route;
pub mod rejection;
pub mod rendering;
pub mod reply;
pub mod config;
pub mod progress;
pub mod edit;
pub mod snapshot;
pub mod per_core;
pub mod pipeline;
pub mod server;
pub mod describe;
pub mod scoreboard;
pub mod explain;
pub mod reload;
pub mod replicating;
pub mod admin;
pub mod app;
pub mod cli;
