//! Finds a route in a file's text, however it is written: as a table, with dotted keys, as an inline table.

use std::ops::Range;

use strangler::{Percent, Phase};
use toml_edit::{Document, Item, TableLike, Value};

use crate::config::nearest::nearest;
use crate::edit::error::EditError;

/// A route as it is written.
pub(super) struct Written<'d> {
    pub(super) name: &'d str,
    table: &'d dyn TableLike,
    /// Within braces, where a comment may not stand.
    pub(super) is_inline: bool,
    pub(super) phase: Stands<'d>,
    pub(super) canary: Option<&'d Item>,
    pub(super) percent: Option<Stands<'d>>,
}

/// A key with a value, and where both stand.
pub(super) struct Stands<'d> {
    pub(super) key: Range<usize>,
    pub(super) at: Range<usize>,
    pub(super) value: &'d Value,
}

pub(super) fn find<'d>(
    document: &'d Document<&'d str>,
    name: &'d str,
) -> Result<Written<'d>, EditError> {
    let routes = document.as_table().get("route");
    let by_name = routes.and_then(Item::as_table_like);
    let route = by_name.and_then(|table| table.get(name));
    let Some(table) = route.and_then(Item::as_table_like) else {
        let known = by_name.into_iter().flat_map(TableLike::iter);
        let known: Vec<&str> = known.map(|(known, _)| known).collect();
        return Err(EditError::UnknownRoute {
            route: name.to_owned(),
            nearest: nearest(name, known.iter().copied()).map(str::to_owned),
        });
    };
    if !table.contains_key("legacy") && !table.contains_key("service") {
        return Err(EditError::NoSides {
            route: name.to_owned(),
        });
    }
    let phase = stands(table, "phase").ok_or_else(|| EditError::NoPhase {
        route: name.to_owned(),
    })?;
    let canary = table.get("canary");
    let inside = canary.and_then(Item::as_table_like);
    Ok(Written {
        name,
        table,
        is_inline: [routes, route].iter().flatten().any(|item| item.is_value()),
        phase,
        canary,
        percent: inside.and_then(|table| stands(table, "percent")),
    })
}

fn stands<'d>(table: &'d dyn TableLike, key: &str) -> Option<Stands<'d>> {
    let (key, item) = table.get_key_value(key)?;
    let value = item.as_value()?;
    Some(Stands {
        key: key.span()?,
        at: value.span()?,
        value,
    })
}

impl Written<'_> {
    /// Whether both sides are there that a phase needs.
    pub(super) fn has_sides_for(&self, phase: Phase) -> Result<(), EditError> {
        let needed: &[&'static str] = match phase {
            Phase::Legacy => &["legacy"],
            Phase::Shadow | Phase::Canary | Phase::Migrated => &["legacy", "service"],
            Phase::Retired => &["service"],
        };
        match needed.iter().find(|side| !self.table.contains_key(side)) {
            Some(side) => Err(EditError::SideMissing {
                route: self.name.to_owned(),
                phase,
                side,
            }),
            None => Ok(()),
        }
    }

    /// The flag that decides the share.
    pub(super) fn flag(&self) -> Option<&str> {
        self.table.get("flag").and_then(Item::as_str)
    }

    /// The share is raised step by step, not by hand.
    pub(super) fn has_steps(&self) -> bool {
        let canary = self.canary.and_then(Item::as_table_like);
        canary.is_some_and(|canary| canary.contains_key("steps"))
    }

    /// The share that stands there.
    pub(super) fn share(&self) -> Option<Percent> {
        share(self.percent.as_ref()?.value)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "whatever is so large is no share either way"
)]
fn share(value: &Value) -> Option<Percent> {
    let whole = value.as_integer().map(|whole| whole as f64);
    Percent::try_from(whole.or_else(|| value.as_float())?).ok()
}
