//! The names that a file defines and those that it uses: every use must have its definition.

use std::collections::BTreeMap;
use std::fmt;

use crate::config::nearest::nearest;
use crate::config::report::{At, Diagnostic, Place, listed, quoted};

/// Definitions and uses.
#[derive(Debug, Default)]
pub(super) struct Names {
    defined: BTreeMap<(Kind, String), Place>,
    used: Vec<(Kind, At<String>)>,
}

/// What a name may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Issuer,
    Limit,
    Upstream,
    Flag,
}

impl Names {
    pub(super) fn define(&mut self, kind: Kind, name: &str, place: &Place) {
        self.defined.insert((kind, name.to_owned()), place.clone());
    }

    pub(super) fn uses(&mut self, kind: Kind, name: &At<String>) {
        self.used.push((kind, name.clone()));
    }

    /// Uses without a definition are errors, definitions without a use are warnings.
    pub(super) fn check(&self) -> Vec<Diagnostic> {
        let undefined = self.used.iter().filter_map(|(kind, name)| {
            let known = self.defined.contains_key(&(*kind, name.value.clone()));
            (!known).then(|| self.undefined(*kind, name))
        });
        let unused = self.defined.iter().filter_map(|((kind, name), place)| {
            let used = self
                .used
                .iter()
                .any(|(used, at)| used == kind && at.value == *name);
            (!used).then(|| unused(*kind, place))
        });
        undefined.chain(unused).collect()
    }

    fn undefined(&self, kind: Kind, name: &At<String>) -> Diagnostic {
        let of_kind: Vec<&str> = self
            .defined
            .keys()
            .filter(|(defined, _)| *defined == kind)
            .map(|(_, name)| name.as_str())
            .collect();
        let said = format!("{kind} {} is not defined", quoted(&name.value));
        let error = Diagnostic::error(&name.place, said).needs_all();
        let table = format!("[{}.{}]", kind.table(), name.value);
        if let Some(meant) = nearest(&name.value, of_kind.iter().copied()) {
            let error = error.help(format!("did you mean {}?", quoted(meant)));
            return match self.defined.get(&(kind, meant.to_owned())) {
                Some(place) => error.also(place, "defined here"),
                None => error,
            };
        }
        match of_kind.as_slice() {
            [] => error.help(format!("define it: {table}")),
            some => error.help(format!(
                "define it: {table}; or take one of {}",
                listed(some, "and")
            )),
        }
    }
}

fn unused(kind: Kind, place: &Place) -> Diagnostic {
    let said = format!("no route uses this {kind}");
    Diagnostic::warning(place, said)
        .help("name it in a route, or take it out")
        .needs_all()
}

impl Kind {
    /// Where such things are defined.
    fn table(self) -> &'static str {
        match self {
            Self::Issuer => "auth.issuer",
            Self::Limit => "rate_limit",
            Self::Upstream => "upstream",
            Self::Flag => "flag",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issuer => "issuer",
            Self::Limit => "rate limit",
            Self::Upstream => "upstream",
            Self::Flag => "flag",
        })
    }
}
