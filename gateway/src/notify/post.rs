//! One try to deliver one message.

use std::time::Duration;

use chassis::secret::ExposeSecret as _;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, RETRY_AFTER};

use super::backoff::Answer;
use super::config::WebhookConfig;
use super::sign::signature;
use crate::store::outbox::Post;

/// Posts it, signed at `now`, time since 1970. What a receiver says in its answer's body is nobody's business.
pub async fn post(
    client: &reqwest::Client,
    webhook: &WebhookConfig,
    message: &Post,
    now: Duration,
) -> Answer {
    let (secret, timestamp) = (webhook.secret.expose_secret(), now.as_secs());
    let signature = signature(secret, &message.id, timestamp, &message.body);
    let request = client
        .post(webhook.url.clone())
        .timeout(webhook.timeout)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature)
        .body(message.body.clone());
    match request.send().await {
        Ok(answer) => Answer::Status {
            status: answer.status().as_u16(),
            retry_after: retry_after(answer.headers(), now),
        },
        Err(error) if error.is_timeout() => {
            let time = webhook.timeout;
            Answer::Nothing(format!("did not answer within {time:?}"))
        }
        // The address may have a secret in it.
        Err(error) => Answer::Nothing(chassis::http_client::in_words(&error.without_url())),
    }
}

/// In seconds, or as a date.
fn retry_after(fields: &HeaderMap, now: Duration) -> Option<Duration> {
    let written = fields.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = written.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(written).ok()?;
    let date = u64::try_from(date.timestamp().as_second()).ok()?;
    Some(Duration::from_secs(date).saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_as_a_date() {
        let now = Duration::from_secs(1_445_412_450);
        for (written, seconds) in [
            ("120", Some(120)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(30)),
            ("Wed, 21 Oct 2015 07:27:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let mut fields = HeaderMap::new();
            fields.insert(RETRY_AFTER, written.parse().unwrap());
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(&fields, now), expected, "{written}");
        }
    }
}
