//! Who is told, as written: `[webhook.NAME]`.

use std::time::Duration;

use chassis::secret::{ExposeSecret, SecretString};
use url::Url;

/// A place that messages are posted to.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// The table's name.
    pub name: String,
    /// Where; http or https.
    pub url: Url,
    /// What messages are signed with.
    pub secret: SecretString,
    /// How long one delivery may take.
    pub timeout: Duration,
    /// A message that could not be delivered for so long is dead: it is kept, listed and not tried again by itself.
    pub give_up_after: Duration,
}

impl PartialEq for WebhookConfig {
    fn eq(&self, other: &Self) -> bool {
        let known = |one: &Self| {
            (
                one.name.clone(),
                one.url.clone(),
                one.timeout,
                one.give_up_after,
            )
        };
        known(self) == known(other) && self.secret.expose_secret() == other.secret.expose_secret()
    }
}
