//! Fetches an issuer's keys: at start, before they grow old, when an unknown key id asks, and again after a failure.

use std::sync::Arc;
use std::time::Duration;

use chassis::http_client;
use chassis::tasks::Tasks;
use tokio::time::Instant;

use super::config::{JwksUrl, KeySource};
use super::keys::MAX_DOCUMENT;
use super::ring::KeyRing;

/// One fetch may take this long.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// After a failure the next try comes after this, doubling up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// Keeps a ring's keys fresh until the ring is gone or the process ends. Does nothing for keys that are not on the web.
pub fn keep_fresh(ring: &Arc<KeyRing>, tasks: &Tasks) {
    let KeySource::Url(url) = &ring.source else {
        return;
    };
    let (url, weak, stopping) = (url.clone(), Arc::downgrade(ring), tasks.stopping());
    tasks.spawn("jwks", async move {
        let fetching = async {
            let client = http_client::build(FETCH_TIMEOUT);
            let mut state = State {
                good_until: None,
                retry: RETRY_FIRST,
            };
            while let Some(ring) = weak.upgrade() {
                let wait = state.fetch(&ring, &url, client.as_ref()).await;
                let _ = tokio::time::timeout(wait, ring.wanted()).await;
            }
        };
        tokio::select! { () = fetching => {}, () = stopping => {} }
    });
}

struct State {
    /// Until when the keys at hand may be used without a successful fetch.
    good_until: Option<Instant>,
    retry: Duration,
}

impl State {
    /// Fetches once and says how long to wait for the next.
    async fn fetch(
        &mut self,
        ring: &KeyRing,
        url: &JwksUrl,
        client: Result<&reqwest::Client, &reqwest::Error>,
    ) -> Duration {
        ring.fetch_begins();
        let document = match client {
            Ok(client) => get(client, url).await,
            Err(error) => Err(error.to_string()),
        };
        if let Err(trouble) = &document {
            tracing::warn!(issuer = ring.name, %trouble, "fetching keys failed");
        }
        if ring.fetch_ended(document.as_deref().map_err(String::clone)) {
            self.good_until = Some(Instant::now() + url.ttl + url.stale_if_error);
            self.retry = RETRY_FIRST;
            return url.ttl.saturating_sub(url.refresh_ahead).max(RETRY_FIRST);
        }
        if self.good_until.is_some_and(|until| until <= Instant::now()) {
            self.good_until = None;
            ring.forget();
        }
        let wait = self.retry;
        self.retry = (self.retry * 2).min(RETRY_MAX);
        wait
    }
}

async fn get(client: &reqwest::Client, url: &JwksUrl) -> Result<Vec<u8>, String> {
    let answer = client
        .get(url.url.clone())
        .send()
        .await
        .map_err(|error| http_client::in_words(&error))?;
    if !answer.status().is_success() {
        return Err(format!("{} answered {}", url.url, answer.status()));
    }
    let mut answer = answer;
    let mut document = Vec::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(|error| http_client::in_words(&error))?
    {
        document.extend_from_slice(&chunk);
        if document.len() > MAX_DOCUMENT {
            return Err(format!("{} sent more than 256 KiB", url.url));
        }
    }
    Ok(document)
}
