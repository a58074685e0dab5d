//! `[log]`: what is written down.

use chassis::telemetry::lines::Target;
use chassis::telemetry::log::Format;

use crate::config::nearest::nearest;
use crate::config::report::quoted;
use crate::config::table::Table;
use crate::config::value::Value;
use crate::log::config::LogConfig;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

const FORMATS: [(&str, Format); 3] = [
    ("auto", Format::Auto),
    ("text", Format::Text),
    ("json", Format::Json),
];

pub(super) fn read(table: &Table<'_>) -> LogConfig {
    let level = table.get("level").and_then(|value| level(&value));
    let format = table.get("format").and_then(|value| value.choice(&FORMATS));
    let access = table.get("access").and_then(|value| access(&value));
    LogConfig {
        level: level.unwrap_or_else(|| "info".to_owned()),
        format: format.unwrap_or_default(),
        access: access.unwrap_or_default(),
    }
}

/// A level, or several `target=level` with commas.
fn level(value: &Value<'_>) -> Option<String> {
    let text = value.word()?;
    for part in text.split(',') {
        let level = part.rsplit('=').next().unwrap_or_default().trim();
        let target = part.split_once('=').map_or("", |(target, _)| target.trim());
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-');
        if LEVELS.contains(&level) && target.chars().all(letters) {
            continue;
        }
        let help = match nearest(level, LEVELS) {
            Some(meant) if !LEVELS.contains(&level) => format!("did you mean {}?", quoted(meant)),
            _ => "write error, warn, info, debug or trace, or a filter such as \"info,gateway=debug\"".to_owned(),
        };
        value.wrong(format!("{} is no level", quoted(part.trim())), help);
        return None;
    }
    Some(text)
}

fn access(value: &Value<'_>) -> Option<Target> {
    let text = value.word()?;
    match text.as_str() {
        "stdout" => Some(Target::Stdout),
        "off" => Some(Target::Off),
        path if path.contains(['/', '.']) => Some(Target::File(value.reading.file(path))),
        word => {
            value.wrong(
                format!("{} is neither stdout nor off nor a path", quoted(word)),
                format!("write \"stdout\", \"off\", or a path such as \"./{word}.log\""),
            );
            None
        }
    }
}
