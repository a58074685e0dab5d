//! `[webhook.NAME]`: who is told what happens to routes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chassis::secret::{ExposeSecret, SecretString};

use crate::config::report::Diagnostic;
use crate::config::secret;
use crate::config::table::Table;
use crate::config::units::show_duration;
use crate::config::value::Value;
use crate::notify::config::WebhookConfig;

const TIMEOUT: Duration = Duration::from_secs(5);
const GIVE_UP_AFTER: Duration = Duration::from_hours(24);

/// What a secret of the Standard Webhooks begins with; base64 follows.
const ENCODED: &str = "whsec_";

/// Bytes of a key that is neither guessed nor longer than the signature's block, as the Standard Webhooks say.
const KEY: std::ops::RangeInclusive<usize> = 24..=64;

/// A webhook with all that can be said about it; only one without mistakes is given back.
pub(super) fn read(name: &str, table: &Table<'_>) -> Option<WebhookConfig> {
    let url = table.required("url", "\"https://hooks.example/banyan\"");
    let url = url.and_then(|value| {
        value.web_address(
            "https://hooks.example/banyan",
            "leave them out: addresses are logged, and each message is signed with the secret",
        )
    });
    let secret = secret(table);
    let timeout_value = table.get("timeout");
    let give_up = table.get("give_up_after");
    let timeout = timeout_value.as_ref().and_then(Value::wait);
    let timeout = timeout.unwrap_or(TIMEOUT);
    let give_up_after = give_up.as_ref().and_then(Value::wait);
    let give_up_after = give_up_after.unwrap_or(GIVE_UP_AFTER);
    if let (true, Some(value)) = (give_up_after < timeout, give_up.or(timeout_value)) {
        let said = format!(
            "one delivery may take {}, and all together {}",
            show_duration(timeout),
            show_duration(give_up_after)
        );
        value.wrong(said, "let give_up_after be longer than timeout");
    }
    Some(WebhookConfig {
        name: name.to_owned(),
        url: url?,
        secret: secret?,
        timeout,
        give_up_after,
    })
}

fn secret(table: &Table<'_>) -> Option<SecretString> {
    let secret = secret::read(table, "secret", "secret_file");
    let keys = ["secret", "secret_file"];
    let Some(at) = keys.into_iter().find_map(|key| table.at(key)) else {
        let error = table.missing("secret");
        let help = "add secret = \"${NAME}\" or secret_file: a message that is not signed could come from anybody";
        table.reading.report(error.help(help));
        return None;
    };
    let secret = secret?;
    // What is wrong is said without a letter of it.
    let said = wrong_with(secret.expose_secret());
    let Some(said) = said else {
        return Some(secret);
    };
    let error = Diagnostic::error(&at, said);
    let help = "for example \"whsec_\" and what `openssl rand -base64 32` prints";
    table.reading.report(error.help(help));
    None
}

fn wrong_with(secret: &str) -> Option<String> {
    let (least, most) = (KEY.start(), KEY.end());
    let Some(encoded) = secret.strip_prefix(ENCODED) else {
        let is_short = secret.len() < *least;
        return is_short
            .then(|| format!("the secret is too short: it takes {least} bytes or more"));
    };
    match STANDARD.decode(encoded) {
        Err(_) => Some(format!("what follows {ENCODED} is no base64")),
        Ok(key) if !KEY.contains(&key.len()) => Some(format!(
            "what follows {ENCODED} is a key of {} bytes: it takes {least} to {most}",
            key.len()
        )),
        Ok(_) => None,
    }
}
