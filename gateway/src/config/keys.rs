//! Every key that a file may have, so that the documentation can be held against it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::config::source::Source;

/// One of every table that the operator may name, and one of every form that a value may take.
const ONE_OF_EACH: &str = r"
[auth.issuer.a]
[rate_limit.a]
[upstream.a]
[webhook.a]
[flag.a]
[route.a]
path = {}
auth = {}
upstream = {}
legacy = {}
service = {}
fallback.upstream = {}
shadow.unordered = [{}]
shadow.tolerance = [{}]
headers.x = {}
query.x = {}
";

/// All of them, such as `route.NAME.canary.percent`; `NAME` stands for what the operator may name.
///
/// ```
/// assert!(gateway::config::keys::all().contains("route.NAME.canary.percent"));
/// ```
pub fn all() -> BTreeSet<String> {
    let source = Source {
        path: PathBuf::from("routes.toml"),
        text: ONE_OF_EACH.to_owned(),
    };
    let (_, known, _) = super::read(&source, &|_| None);
    let named = |key: &String| known.iter().any(|other| is_below(other, key));
    known.iter().filter(|key| !named(key)).cloned().collect()
}

/// `upstream.NAME.host` is below `upstream`, which is no key by itself.
fn is_below(key: &str, table: &str) -> bool {
    key.strip_prefix(table)
        .is_some_and(|rest| rest.starts_with(".NAME."))
}
