//! What `[route.NAME.shadow]` means.

use gateway::shadow::config::{Credentials, ShadowConfig};

use super::meaning::{config, migration};

/// Every key of copies, none at its default.
const COPIES: &str = r#"
phase = "canary"
canary.percent = 5
[route.written.shadow]
percent = 12.5
reverse = true
methods = ["GET", "OPTIONS"]
credentials = "forward"
timeout = "250ms"
queue = 1
concurrency = 2
max_body = "1KiB"
max_response = "2KiB"
noise_percent = 0
compare_headers = ["ETag"]
ignore = ["$.a"]
unordered = [{ path = "$.b", key = "id" }, { path = "$.c" }]
tolerance = [{ path = "$.d", abs = 1 }]
redact = ["$..e"]
gate.min_compared = 10
gate.max_mismatch_rate = 0.5
"#;

#[test]
fn copies_are_made_as_the_table_says_or_the_phase_alone() {
    let sides = |name: &str, rest: &str| {
        format!(
            "[route.{name}]\npath = \"/{name}\"\nauth = \"none\"\nlegacy = \"old\"\nservice = \"new\"\n\
             sticky = [\"visitor\"]\n{rest}\n"
        )
    };
    let config = config(&format!(
        "{}{}{}",
        sides("by-phase", "phase = \"shadow\""),
        sides("canary", "phase = \"canary\"\ncanary.percent = 5"),
        sides("written", COPIES),
    ));
    let shadow = |route| migration(&config, route).shadow.map(|shadow| *shadow);
    assert_eq!(shadow("by-phase"), Some(ShadowConfig::default()));
    assert_eq!(shadow("canary"), None);
    let shadow = shadow("written").unwrap();
    assert_eq!(
        (shadow.percent.hundredths(), shadow.noise.hundredths()),
        (1250, 0)
    );
    assert!(shadow.reverse && shadow.compare && !shadow.writes);
    assert_eq!(shadow.methods, [http::Method::GET, http::Method::OPTIONS]);
    assert_eq!(shadow.credentials, Credentials::Forward);
    assert_eq!(
        (shadow.timeout.as_millis(), shadow.queue, shadow.concurrency),
        (250, 1, 2)
    );
    assert_eq!((shadow.max_body, shadow.max_response), (1024, 2048));
    let rules = &shadow.rules;
    assert_eq!(rules.headers, ["etag"]);
    assert_eq!(
        (rules.ignore[0].to_string(), rules.redact[0].to_string()),
        ("$.a".into(), "$..e".into())
    );
    let keys: Vec<_> = rules
        .unordered
        .iter()
        .map(|one| one.key.as_deref())
        .collect();
    assert_eq!(keys, [Some("id"), None]);
    assert!((rules.tolerance[0].abs - 1.0).abs() < f64::EPSILON);
    assert_eq!(shadow.gate.min_compared, 10);
}
