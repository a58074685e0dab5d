//! The path of a request that somebody asks about: how it is matched, and how it is forwarded.

use std::borrow::Cow;

use super::Explanation;
use crate::route::compiled::Route;
use crate::route::conditions::Asked;
use crate::route::path::normalise;
use crate::route::table::Table;

/// In normal form, or why it is refused.
pub(super) fn normal<'a>(given: &'a str, told: &mut Explanation) -> Option<Cow<'a, str>> {
    let path = normalise(given);
    path.map_err(|refused| told.say("path", [format!("refused with 400: {refused}")]))
        .ok()
}

/// As the route forwards it, or why that refuses it.
pub(super) fn forwarded<'a>(
    table: &Table,
    route: &Route,
    given: &str,
    asked: &Asked<'a>,
    told: &mut Explanation,
) -> Option<Cow<'a, str>> {
    let index = table.find(asked);
    let stays = |path: &str| table.find(&Asked { path, ..*asked }) == index;
    let normal = Cow::Borrowed(asked.path);
    match route.slashes.settle(given, normal, stays) {
        Ok(settled) => {
            if settled.observed {
                let why = "it would be refused with 400 for its encoded slash, if that were not only observed";
                told.say("path", [why.to_owned()]);
            } else if settled.path != asked.path {
                told.say("path", [format!("forwarded as {}", settled.path)]);
            }
            Some(settled.path)
        }
        Err(refused) => {
            told.say("path", [format!("refused with 400: {refused}")]);
            None
        }
    }
}
