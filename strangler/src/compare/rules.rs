//! What a route says about its comparison.

use crate::json_path::PathPattern;

/// How the answers of one route are compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Differences at or below these places do not count.
    pub ignore: Vec<PathPattern>,
    /// Arrays whose order says nothing.
    pub unordered: Vec<Unordered>,
    /// Numbers that may be a little apart.
    pub tolerance: Vec<Tolerance>,
    /// Values that are never shown, besides those whose name says that they are secret.
    pub redact: Vec<PathPattern>,
    /// The header fields that are compared.
    pub headers: Vec<String>,
}

/// An array whose order says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unordered {
    /// Where it stands.
    pub path: PathPattern,
    /// The member by which elements are matched up. Without it they are matched by all that they say.
    pub key: Option<String>,
}

/// A number that may be a little apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Tolerance {
    /// Where it stands.
    pub path: PathPattern,
    /// How far apart, at most.
    pub abs: f64,
}
