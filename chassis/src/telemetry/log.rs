//! The process log: text on a terminal, JSON elsewhere, always on standard error, so that access lines may have
//! standard output to themselves.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text on a terminal, else JSON.
    #[default]
    Auto,
    /// For eyes.
    Text,
    /// For machines.
    Json,
}

/// A filter that could not be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "log level {0:?} is not one of error, warn, info, debug, trace, nor a filter such as \"info,gateway=debug\""
)]
pub struct NotALevel(String);

/// Starts the log of this process; a second call changes nothing.
pub fn init(level: &str, format: Format) -> Result<(), NotALevel> {
    let filter = EnvFilter::try_new(level).map_err(|_| NotALevel(level.to_owned()))?;
    let terminal = std::io::stderr().is_terminal();
    let json = match format {
        Format::Auto => !terminal,
        Format::Text => false,
        Format::Json => true,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let _ = if json {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init()
    } else {
        builder.with_ansi(terminal).with_target(false).try_init()
    };
    Ok(())
}
