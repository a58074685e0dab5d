//! What somebody else changed in a file while it was edited, in words.

use similar::{ChangeTag, TextDiff};

use crate::config::mask::masked;
use crate::config::source::Source;
use crate::config::{changes, load};

/// More than this nobody reads in an error.
const MOST_LINES: usize = 10;

/// By meaning where both texts are valid, else by line. The texts are different.
pub fn what_changed(before: &Source, now: &Source, env: &dyn Fn(&str) -> Option<String>) -> String {
    if let (Ok(before), Ok(now)) = (load(before, env), load(now, env)) {
        let changes = changes::between(&before.config, &now.config);
        return if changes.is_empty() {
            "only comments or layout".to_owned()
        } else {
            changes.said.join(", ")
        };
    }
    // A line may have a password in an address.
    by_line(&masked(&before.text), &masked(&now.text))
}

fn by_line(before: &str, now: &str) -> String {
    let diff = TextDiff::from_lines(before, now);
    let changed = diff.iter_all_changes().filter_map(|change| {
        let line = change.value().trim_end();
        match change.tag() {
            ChangeTag::Equal => None,
            ChangeTag::Delete => Some(format!("\n  -{line}")),
            ChangeTag::Insert => Some(format!("\n  +{line}")),
        }
    });
    let mut lines: Vec<String> = changed.collect();
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    if more > 0 {
        lines.push(format!("\n  and {more} lines more"));
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn said(before: &str, now: &str) -> String {
        let source = |text: &str| Source {
            path: PathBuf::from("routes.toml"),
            text: text.to_owned(),
        };
        what_changed(&source(before), &source(now), &|_| None)
    }

    #[test]
    fn a_change_is_said_by_meaning_and_else_by_line() {
        let valid = "version = 1\nadmin.bind = \"127.0.0.1:1\"\n\
            route.a = { path = \"/\", auth = \"none\", upstream = \"m\" }\n\
            upstream.m.endpoints = [\"http://127.0.0.2:80\"]\n";
        let other = valid.replace(":1", ":2");
        assert_eq!(
            said(valid, &format!("{valid}# why\n")),
            "only comments or layout"
        );
        assert_eq!(said(valid, &other), "admin.bind 127.0.0.1:1 -> 127.0.0.1:2");
        assert_eq!(said("a = \nb\n", "a = \nc\n"), "\n  -b\n  +c");
        let many = "x\n".repeat(30);
        assert!(said("", &many).ends_with("and 20 lines more"));
    }
}
