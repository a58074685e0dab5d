//! Edits of a file's text, which ask nobody and touch nothing else.

use strangler::{Percent, Phase};
use toml_edit::Document;

use crate::edit::error::EditError;
use crate::edit::route::{self, Written};
use crate::edit::share;
use crate::edit::splice::Splices;

/// The text with the route in that phase, and with that share where one is given.
///
/// A share that is missing is added with a mark; going back to shadow or legacy takes exactly that out again. The text
/// is the same, to the byte, when it says so already.
pub fn cutover(
    text: &str,
    route: &str,
    phase: Phase,
    percent: Option<Percent>,
) -> Result<String, EditError> {
    let document =
        Document::parse(text).map_err(|error| EditError::Syntax(error.message().to_owned()))?;
    let written = route::find(&document, route)?;
    written.has_sides_for(phase)?;
    let share = wanted(&written, phase, percent)?;
    let mut edits = Splices::new(text);
    set_phase(&mut edits, text, &written, phase)?;
    match share {
        Share::Set(percent) => share::set(&mut edits, text, &written, percent),
        Share::Keep => {}
        Share::TakeOutOurs => share::take_out(&mut edits, text, &written),
    }
    let edited = edits.apply();
    if edited != text && !changes_only(text, &edited, route, phase, share) {
        return Err(EditError::NoPlace {
            route: route.to_owned(),
        });
    }
    Ok(edited)
}

/// The text with the route retired. The legacy side stays named, so that the way back is one edit.
pub fn retire(text: &str, route: &str) -> Result<String, EditError> {
    cutover(text, route, Phase::Retired, None)
}

/// What becomes of the share.
#[derive(Clone, Copy)]
enum Share {
    Set(Percent),
    Keep,
    TakeOutOurs,
}

fn wanted(route: &Written<'_>, phase: Phase, percent: Option<Percent>) -> Result<Share, EditError> {
    let name = || route.name.to_owned();
    match (phase, percent) {
        (Phase::Canary, Some(percent)) => match route.flag() {
            Some(flag) => Err(EditError::FlagDecides {
                route: name(),
                flag: flag.to_owned(),
            }),
            None if route.has_steps() => Err(EditError::StepsDecide { route: name() }),
            None => Ok(Share::Set(percent)),
        },
        (_, Some(_)) => Err(EditError::PercentWithoutCanary { phase }),
        (Phase::Canary, None) => {
            let is_known = route.percent.is_some() || route.has_steps() || route.flag().is_some();
            let needed = || EditError::PercentNeeded { route: name() };
            is_known.then_some(Share::Keep).ok_or_else(needed)
        }
        (Phase::Legacy | Phase::Shadow, None) => Ok(Share::TakeOutOurs),
        (Phase::Migrated | Phase::Retired, None) => Ok(Share::Keep),
    }
}

fn set_phase(
    edits: &mut Splices<'_>,
    text: &str,
    route: &Written<'_>,
    phase: Phase,
) -> Result<(), EditError> {
    let written = route.phase.value.as_str().unwrap_or_default();
    if written.contains("${") {
        return Err(EditError::PhaseFromEnvironment {
            route: route.name.to_owned(),
            value: written.to_owned(),
        });
    }
    if written != phase.as_str() {
        let at = route.phase.at.clone();
        let quotes = ["\"\"\"", "'''", "'"];
        let quote = quotes
            .into_iter()
            .find(|quote| text[at.clone()].starts_with(quote));
        let quote = quote.unwrap_or("\"");
        edits.replace(at, format!("{quote}{phase}{quote}"));
    }
    Ok(())
}

/// Whether the new text says what was asked for, and everything else as before. A last check on all of the above: in a
/// layout that nobody thought of, nothing is better than something wrong.
fn changes_only(text: &str, edited: &str, route: &str, phase: Phase, share: Share) -> bool {
    let (Some(before), Some(after)) = (taken_apart(text, route), taken_apart(edited, route)) else {
        return false;
    };
    let share_is_right = match share {
        Share::Set(percent) => {
            let said = after.percent.and_then(|said| said.to_string().parse().ok());
            said.and_then(|said: f64| Percent::try_from(said).ok()) == Some(percent)
        }
        Share::Keep => after.percent == before.percent,
        Share::TakeOutOurs => after.percent.is_none() || after.percent == before.percent,
    };
    share_is_right && after.phase.as_deref() == Some(phase.as_str()) && after.rest == before.rest
}

/// A file without a route's phase and share, and both.
struct TakenApart {
    phase: Option<String>,
    percent: Option<toml::Value>,
    rest: toml::Table,
}

fn taken_apart(text: &str, route: &str) -> Option<TakenApart> {
    let mut rest: toml::Table = text.parse().ok()?;
    let table = rest.get_mut("route")?.get_mut(route)?.as_table_mut()?;
    let phase = table.remove("phase")?.as_str().map(str::to_owned);
    let mut percent = None;
    if let Some(canary) = table.get_mut("canary").and_then(toml::Value::as_table_mut) {
        percent = canary.remove("percent");
        // A canary that had nothing but its share goes with it.
        if canary.is_empty() {
            table.remove("canary");
        }
    }
    Some(TakenApart {
        phase,
        percent,
        rest,
    })
}

#[cfg(test)]
mod tests;
