//! One call as a value: what is asked of which backend, of what type the answer is, and who else may be given it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use crate::backend::Backend;
use crate::json::{self, Undecodable};

/// What stays as it is in a path segment or a query value (RFC 3986, unreserved; the comma for lists of ids).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b',');

/// A GET of a backend, whose answer is a `T`.
pub struct Call<T> {
    /// Who is asked.
    pub(crate) backend: Arc<Backend>,
    /// Path and query below the backend's base path.
    pub(crate) target: String,
    /// Fields that the answer depends on.
    pub(crate) fields: Vec<(HeaderName, HeaderValue)>,
    /// How long the answer is kept, and for whom.
    pub(crate) kept: Option<Kept>,
    pub(crate) decode: fn(&[u8]) -> Result<T, Undecodable>,
}

/// How long an answer is kept, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Who may be given it.
    pub scope: Scope,
    /// It is given without asking again for this long. Zero only joins calls that are made at the same time.
    pub fresh: Duration,
    /// And for this much longer, when asking again fails.
    pub stale_if_error: Duration,
}

/// Who may be given a kept answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everybody: it does not depend on who asks.
    Public,
    /// Everybody of one tenant.
    Tenant,
    /// Who asked.
    #[default]
    User,
}

impl Kept {
    /// For who asked, and nobody else.
    pub const fn by_user(fresh: Duration) -> Self {
        Self {
            scope: Scope::User,
            fresh,
            stale_if_error: Duration::ZERO,
        }
    }

    /// For everybody.
    pub const fn by_all(fresh: Duration) -> Self {
        Self {
            scope: Scope::Public,
            ..Self::by_user(fresh)
        }
    }

    /// And for `stale` longer when asking again fails.
    #[must_use]
    pub const fn stale_if_error(self, stale: Duration) -> Self {
        Self {
            stale_if_error: stale,
            ..self
        }
    }
}

impl<V: DeserializeOwned> Call<Vec<V>> {
    /// Asks for a list, which backends put into `items`. The rest is as with [`Call::get`].
    pub fn items(backend: &Arc<Backend>, path: &str) -> Self {
        let decode = |body: &[u8]| json::decode(body).map(|Items { items }| items);
        Self {
            decode,
            ..Self::get(backend, path)
        }
    }
}

/// A list as backends give it.
#[derive(serde::Deserialize)]
struct Items<V> {
    items: Vec<V>,
}

impl<T: DeserializeOwned> Call<T> {
    /// Asks `backend` for `path`, which is empty or starts with a slash. Segments are added with [`Call::segment`],
    /// parameters with [`Call::query`].
    pub fn get(backend: &Arc<Backend>, path: &str) -> Self {
        Self {
            backend: Arc::clone(backend),
            target: path.to_owned(),
            fields: Vec::new(),
            kept: None,
            decode: json::decode,
        }
    }

    /// Adds a segment to the path, escaped.
    #[must_use]
    pub fn segment(mut self, value: impl fmt::Display) -> Self {
        self.target.push('/');
        match value.to_string().as_str() {
            // However they are escaped, servers take these for steps upwards: escaped twice, they name nothing.
            dots @ ("." | "..") => self.target.extend(dots.chars().map(|_| "%252E")),
            text => self.push_escaped(text),
        }
        self
    }

    /// Adds a parameter to the query, escaped.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.target
            .push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(name);
        self.target.push('=');
        self.push_escaped(&value.to_string());
        self
    }

    /// Adds a field that the answer depends on.
    #[must_use]
    pub fn field(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.fields.push((name, value));
        self
    }

    /// Keeps the answer, and joins calls that are made at the same time.
    #[must_use]
    pub fn kept(mut self, kept: Kept) -> Self {
        self.kept = Some(kept);
        self
    }

    fn push_escaped(&mut self, text: &str) {
        self.target.extend(utf8_percent_encode(text, ESCAPED));
    }
}

impl<T> Clone for Call<T> {
    fn clone(&self) -> Self {
        Self {
            backend: Arc::clone(&self.backend),
            target: self.target.clone(),
            fields: self.fields.clone(),
            ..*self
        }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("backend", &self.backend.name)
            .field("target", &self.target)
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

/// `1,2,3`
pub fn comma_separated<K: fmt::Display>(ids: &[K]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(ids.len() * 4);
    for (index, id) in ids.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a text cannot fail.
        let _ = write!(text, "{comma}{id}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Raw;

    #[test]
    fn nothing_in_a_parameter_changes_the_target() {
        let backend = Backend::new("catalog", "x", 80, "", 1).unwrap();
        let call = Call::<Raw>::get(&backend, "")
            .segment("a/../b?c")
            .query("ids", comma_separated(&[1, 2, 3]))
            .query("q", "a b&c=d#\u{e9}");
        let upwards = Call::<Raw>::get(&backend, "/a").segment("..").segment(".");
        assert_eq!(upwards.target, "/a/%252E%252E/%252E");
        assert_eq!(
            call.target,
            "/a%2F..%2Fb%3Fc?ids=1,2,3&q=a%20b%26c%3Dd%23%C3%A9"
        );
    }
}
