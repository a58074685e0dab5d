//! What `[webhook.NAME]` means.

use std::time::Duration;

use chassis::secret::ExposeSecret as _;
use gateway::config::changes::between;
use gateway::config::load;
use gateway::config::source::Source;

use super::environment;
use super::meaning::config;

#[test]
fn webhooks_are_read_with_their_secrets() {
    let config = config(
        "[webhook.ops]\nurl = \"https://hooks.example/banyan?to=ops\"\nsecret = \"${HOOK_SECRET}\"\n\
         [webhook.chat]\nurl = \"http://127.0.0.1:9\"\nsecret = \"${SHOP_SECRET}\"\ntimeout = \"250ms\"\n\
         give_up_after = \"1h\"\n\
         [route.a]\npath = \"/\"\nauth = \"shop\"\nupstream = \"old\"\n",
    );
    let (ops, chat) = (&config.webhooks["ops"], &config.webhooks["chat"]);
    assert_eq!(ops.name, "ops");
    assert_eq!(ops.url.as_str(), "https://hooks.example/banyan?to=ops");
    let secret = environment("HOOK_SECRET").unwrap();
    assert_eq!(ops.secret.expose_secret(), secret);
    assert_eq!(
        (ops.timeout, ops.give_up_after),
        (Duration::from_secs(5), Duration::from_hours(24))
    );
    assert_eq!(
        (chat.timeout, chat.give_up_after),
        (Duration::from_millis(250), Duration::from_hours(1))
    );
    let shown = format!("{config:?}");
    assert!(!shown.contains(&secret), "{shown}");
}

/// A file with this webhook, beside which the secret file holds `secret`.
fn with_file(
    folder: &std::path::Path,
    secret: &str,
    keys: &str,
) -> Result<gateway::config::Config, String> {
    std::fs::write(folder.join("hook.secret"), secret).unwrap();
    let source = Source {
        path: folder.join("routes.toml"),
        text: format!(
            "version = 1\n[upstream.old]\nendpoints = [\"http://127.0.0.1:7000\"]\n\
             [route.a]\npath = \"/\"\nauth = \"none\"\nupstream = \"old\"\n{keys}"
        ),
    };
    let loaded = load(&source, &environment).map_err(|report| report.render(false))?;
    Ok(loaded.config)
}

#[test]
fn a_secret_in_a_file_may_be_changed_without_being_said() {
    let folder = tempfile::tempdir().unwrap();
    let keys = "[webhook.ops]\nurl = \"https://hooks.example/T0/hunter2\"\nsecret_file = \"hook.secret\"\n";
    let read = |secret: &str, keys: &str| with_file(folder.path(), secret, keys);
    let none = read("", "").unwrap();
    let first = read("0123456789abcdef-hunter2\n", keys).unwrap();
    let second = read("fedcba9876543210-hunter2\n", keys).unwrap();
    let other = keys.replace("T0", "T1") + "timeout = \"1s\"\n";
    let moved = read("fedcba9876543210-hunter2", &other).unwrap();
    for (old, new, said) in [
        (&none, &first, "webhook ops added"),
        (&first, &first, "changes nothing"),
        (&first, &second, "webhook ops secret changed"),
        (
            &second,
            &moved,
            "webhook ops url changed, webhook ops timeout 5s -> 1s",
        ),
        (&moved, &none, "webhook ops removed"),
    ] {
        assert_eq!(between(old, new).to_string(), said);
    }
    for secret in [
        "hunter2",
        "whsec_",
        "whsec_hunter2hunter2hunter2hunter2hunt===",
    ] {
        let refused = read(secret, keys).unwrap_err();
        assert!(refused.contains("webhook.ops.secret_file"), "{refused}");
        // The address is in the file, and a secret of another kind.
        assert!(
            !refused.replace("T0/hunter2", "").contains("hunter2"),
            "{refused}"
        );
    }
}
