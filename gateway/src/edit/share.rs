//! The share of a canary in the text: changes it, adds it where it is missing, and takes out again what it added.

use strangler::Percent;
use toml_edit::Item;

use crate::edit::route::{Stands, Written};
use crate::edit::splice::{Splices, line_end, line_ending, line_start};

/// Marks a share that no person wrote. It goes away when the canary is left for an earlier phase.
const MARK: &str = "  # by banyan cutover";

/// A number as a file has it.
pub(super) fn number(share: Percent) -> String {
    share.number().to_string()
}

/// Writes the share, where it is not there already.
pub(super) fn set(edits: &mut Splices<'_>, text: &str, route: &Written<'_>, share: Percent) {
    match &route.percent {
        Some(_) if route.share() == Some(share) => {}
        Some(percent) => edits.replace(percent.at.clone(), number(share)),
        None => add(edits, text, route, &number(share)),
    }
}

/// Into the table that the canary has, else behind the phase.
fn add(edits: &mut Splices<'_>, text: &str, route: &Written<'_>, number: &str) {
    let phase = &route.phase;
    match route.canary {
        Some(Item::Value(canary)) if !is_dotted(canary.as_inline_table()) => {
            let Some((table, at)) = canary.as_inline_table().zip(canary.span()) else {
                return;
            };
            let values = table.get_values();
            let ends = values.iter().filter_map(|(_, value)| value.span());
            match ends.map(|span| span.end).max() {
                Some(last) => add_inline(edits, text, last, &format!(", percent = {number}")),
                None => add_inline(edits, text, at.start + 1, &format!("percent = {number}")),
            }
        }
        _ if route.is_inline => {
            let pair = format!(", canary.percent = {number}");
            add_inline(edits, text, phase.at.end, &pair);
        }
        Some(Item::Table(canary)) if !canary.is_dotted() && !canary.is_implicit() => {
            let Some(header) = canary.span() else {
                return;
            };
            let keys = canary
                .iter()
                .filter_map(|(name, _)| canary.key(name)?.span());
            let first = keys.map(|key| key.start).min().unwrap_or(header.start);
            let line = &text[line_start(text, first)..];
            let indent = &line[..line.len() - line.trim_start().len()];
            add_line(
                edits,
                text,
                header.end,
                &format!("{indent}percent = {number}"),
            );
        }
        _ => {
            // What stands before the key: how it is indented, and the keys that lead to it.
            let before = &text[line_start(text, phase.key.start)..phase.key.start];
            let before = before.trim_start_matches('\u{feff}');
            let line = format!("{before}canary.percent = {number}");
            add_line(edits, text, phase.at.end, &line);
        }
    }
}

fn is_dotted(table: Option<&toml_edit::InlineTable>) -> bool {
    table.is_some_and(toml_edit::InlineTable::is_dotted)
}

/// Behind the line in which `after` stands.
fn add_line(edits: &mut Splices<'_>, text: &str, after: usize, line: &str) {
    let end = line_end(text, after);
    let newline = line_ending(text, end);
    edits.insert(end, format!("{newline}{line}{MARK}"));
}

/// Within braces; the mark is a comment, so it stands where the line ends.
fn add_inline(edits: &mut Splices<'_>, text: &str, at: usize, pair: &str) {
    edits.insert(at, pair);
    edits.insert(line_end(text, at), MARK);
}

/// Takes a marked share out, where there is one.
pub(super) fn take_out(edits: &mut Splices<'_>, text: &str, route: &Written<'_>) {
    let Some(percent) = &route.percent else {
        return;
    };
    let end = line_end(text, percent.at.end);
    let is_inline = route.is_inline || matches!(route.canary, Some(Item::Value(_)));
    let behind = &text[percent.at.end..end];
    if is_inline && behind.ends_with(MARK) {
        take_out_inline(edits, text, percent, end);
    } else if behind == MARK {
        // The line goes with the line ending before it, which came with it.
        let newline = line_start(text, percent.key.start).saturating_sub(1);
        let before = line_end(text, line_start(text, newline));
        edits.replace(before..end, "");
    }
}

/// Only what is written as [`add`] writes it.
fn take_out_inline(edits: &mut Splices<'_>, text: &str, percent: &Stands<'_>, end: usize) {
    let before = &text[..percent.at.start];
    let heads = [", canary.percent = ", ", percent = "];
    let head = heads.into_iter().find(|head| before.ends_with(head));
    let alone = before.ends_with("{percent = ").then_some("percent = ");
    if let Some(head) = head.or(alone) {
        edits.replace(percent.at.start - head.len()..percent.at.end, "");
        edits.replace(end - MARK.len()..end, "");
    }
}
