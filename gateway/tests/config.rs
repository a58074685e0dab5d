//! routes.toml through the front door: what is refused and in which words, what is accepted, and that no text at all
//! brings the reader down.
//!
//! `tests/config/*.toml` are files with mistakes, each beside the report that it must give; `BLESS=1` writes the
//! reports anew.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failure here is a failed test"
)]

#[path = "config/accepted.rs"]
mod accepted;
#[path = "config/anything.rs"]
mod anything;
#[path = "config/copies.rs"]
mod copies;
#[path = "config/golden.rs"]
mod golden;
#[path = "config/led.rs"]
mod led;
#[path = "config/meaning.rs"]
mod meaning;
#[path = "config/resilience.rs"]
mod resilience;
#[path = "config/webhooks.rs"]
mod webhooks;

use std::path::{Path, PathBuf};

use gateway::config::report::Report;
use gateway::config::source::Source;
use gateway::config::{Loaded, load};

/// The folder of this repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A text as if it stood in a file of `tests/config`, so that relative paths lead there.
fn check(text: &str) -> Result<Loaded, Report> {
    let source = Source {
        path: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/routes.toml"),
        text: text.to_owned(),
    };
    load(&source, &environment)
}

/// The variables that the files of the tests name. Long enough for a secret.
fn environment(name: &str) -> Option<String> {
    match name {
        "BANYAN_ADMIN_TOKEN" | "SHOP_SECRET" => {
            Some("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".to_owned())
        }
        "SHORT_SECRET" => Some("hunter2".to_owned()),
        "HOOK_SECRET" => Some("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3".to_owned()),
        "SHORT_KEY" => Some("whsec_aHVudGVyMg==".to_owned()),
        "NO_BASE64" => Some("whsec_hunter2!hunter2!hunter2!hunter2!".to_owned()),
        "EMPTY" => Some(String::new()),
        "LOCALHOST" => Some("localhost:80".to_owned()),
        _ => None,
    }
}
