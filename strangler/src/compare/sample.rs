//! Short, redacted pictures of values.

use super::redact::{REDACTED, names_secret};
use super::trail::Trail;
use crate::json::Json;
use crate::json_path::{PathPattern, Step};
use crate::jwt::without_tokens;
use crate::printable::printable;

/// How long a picture may be, in bytes.
pub(super) const MAX_SAMPLE: usize = 256;

/// What stands for the rest of a picture that is too long.
const CUT: &str = "…";

/// Draws values into at most [`MAX_SAMPLE`] bytes.
#[derive(Debug)]
struct Sample<'a> {
    trail: Trail<'a>,
    text: String,
    full: bool,
}

/// A value that stands outside of all secrets, as JSON. Secrets in it are redacted.
pub(super) fn of<'a>(redact: &'a [PathPattern], way: &[Step<'a>], value: &'a Json) -> String {
    let mut sample = Sample {
        trail: Trail::new(redact, []),
        text: String::new(),
        full: false,
    };
    for step in way {
        sample.trail.enter(*step);
    }
    sample.value(value);
    sample.text
}

/// A plain text, not quoted.
pub(super) fn plain(text: &str) -> String {
    let mut short = String::new();
    let mut full = false;
    push(
        &mut short,
        &mut full,
        &printable(&without_tokens(text, MAX_SAMPLE)),
    );
    short
}

impl<'a> Sample<'a> {
    fn value(&mut self, value: &'a Json) {
        match value {
            Json::Null => self.push("null"),
            Json::Bool(true) => self.push("true"),
            Json::Bool(false) => self.push("false"),
            Json::Number(number) => self.push(number.text()),
            Json::Text(text) => self.quoted(text),
            Json::Array(elements) => self.array(elements),
            Json::Object(members) => self.object(members),
        }
    }

    fn array(&mut self, elements: &'a [Json]) {
        self.push("[");
        for (index, element) in elements.iter().enumerate() {
            if self.full {
                return;
            }
            if index > 0 {
                self.push(",");
            }
            self.child(Step::Index(index), element);
        }
        self.push("]");
    }

    fn object(&mut self, members: &'a [(String, Json)]) {
        self.push("{");
        for (nth, (name, value)) in members.iter().enumerate() {
            if self.full {
                return;
            }
            if nth > 0 {
                self.push(",");
            }
            self.quoted(name);
            self.push(":");
            self.child(Step::Name(name), value);
        }
        self.push("}");
    }

    fn child(&mut self, step: Step<'a>, value: &'a Json) {
        self.trail.enter(step);
        if names_secret(step) || self.trail.fits_inherited() {
            self.push(REDACTED);
        } else {
            self.value(value);
        }
        self.trail.leave();
    }

    fn quoted(&mut self, text: &str) {
        let text = &*without_tokens(text, MAX_SAMPLE);
        // What is cut off here would be cut off anyway: the quotes alone take the rest.
        let end = text.floor_char_boundary(MAX_SAMPLE);
        let start = text.get(..end).unwrap_or_default();
        let quoted = serde_json::to_string(start).unwrap_or_default();
        self.push(&printable(&quoted));
    }

    fn push(&mut self, text: &str) {
        push(&mut self.text, &mut self.full, text);
    }
}

fn push(sample: &mut String, full: &mut bool, text: &str) {
    if *full {
        return;
    }
    if sample.len() + text.len() <= MAX_SAMPLE {
        sample.push_str(text);
        return;
    }
    *full = true;
    let room = MAX_SAMPLE - CUT.len();
    sample.push_str(text);
    sample.truncate(sample.floor_char_boundary(room));
    sample.push_str(CUT);
}
