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

/// The error with its causes: the outermost alone says only that sending failed.
pub fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
