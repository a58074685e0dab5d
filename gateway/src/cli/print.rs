//! Writing to the terminal: colours only where there is one, and a closed pipe is no reason to panic.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use super::Output;
use crate::app::StartError;

/// How often what is watched is asked for.
const AGAIN: Duration = Duration::from_secs(2);

/// A line on standard output.
pub(super) fn line(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// A text on standard output, to the byte: it is meant for a program.
pub(super) fn exactly(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// What is `said` now, and every two seconds again, as long as somebody reads.
pub(super) fn watched(
    output: Output,
    said: impl Fn() -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    loop {
        let said = said()?;
        if output == Output::Text {
            fresh_page();
        }
        if !told(&said) {
            return Ok(());
        }
        std::thread::sleep(AGAIN);
    }
}

/// A line; whether somebody still reads.
fn told(text: &str) -> bool {
    let mut out = anstream::stdout();
    writeln!(out, "{text}").and_then(|()| out.flush()).is_ok()
}

/// Goes to the top of an empty page, where there is a terminal.
fn fresh_page() {
    if std::io::stdout().is_terminal() {
        let _ = write!(anstream::stdout(), "\x1b[2J\x1b[H");
    }
}

/// A line on standard error.
pub(super) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Whether a person reads standard error.
pub(super) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// What went wrong: a file's mistakes as the file's report, anything else in a line.
pub(super) fn error(error: &anyhow::Error) {
    match error.downcast_ref::<StartError>() {
        Some(StartError::Config(report)) => note(&report.render(is_watched())),
        _ => note(&format!("error: {error:#}")),
    }
}
