//! The client for what is not a user's request: key sets, health checks, webhooks.

use std::time::Duration;

/// A client that follows no redirect, uses no proxy of the environment and gives up after `timeout`.
pub fn build(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timeout)
        .user_agent(concat!("banyan/", env!("CARGO_PKG_VERSION")))
        .build()
}
