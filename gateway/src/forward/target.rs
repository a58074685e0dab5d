//! What a request's path becomes on the way to a backend, and what the backend's own paths are called outside.

use std::borrow::Cow;

use bytes::Bytes;
use http::uri::PathAndQuery;

use super::config::PathRewrite;

/// How the paths of an edge route and a backend map to each other.
#[derive(Clone, Copy, Debug)]
pub struct Paths<'a> {
    /// The route's matched prefix; `/` is the empty one.
    pub prefix: &'a str,
    /// What the path becomes.
    pub rewrite: &'a PathRewrite,
    /// What the endpoint puts before every path.
    pub base: &'a str,
}

impl Paths<'_> {
    /// The backend's path for a request's normal path.
    fn inward<'p>(&self, path: &'p str) -> Cow<'p, str> {
        let Self {
            prefix,
            rewrite,
            base,
        } = *self;
        match rewrite {
            PathRewrite::Keep if base.is_empty() => Cow::Borrowed(path),
            PathRewrite::Keep => Cow::Owned(format!("{base}{path}")),
            PathRewrite::Full(full) => Cow::Owned(format!("{base}{full}")),
            PathRewrite::Prefix(new) => {
                let rest = path.strip_prefix(prefix).unwrap_or(path);
                // `/web` with its prefix stripped is `/`.
                let slash = if base.is_empty() && new.is_empty() && rest.is_empty() {
                    "/"
                } else {
                    ""
                };
                Cow::Owned(format!("{base}{new}{slash}{rest}"))
            }
        }
    }

    /// The request target for the backend. Without a change nothing is copied.
    pub fn target(&self, given: &PathAndQuery, normal: &str) -> Option<PathAndQuery> {
        let path = self.inward(normal);
        if path == given.path() {
            return Some(given.clone());
        }
        let target = match given.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.into_owned(),
        };
        PathAndQuery::from_maybe_shared(Bytes::from(target)).ok()
    }

    /// What a path of the backend is called outside; `None` when it stays as it is.
    pub fn outward(&self, path: &str) -> Option<String> {
        let (inside, outside) = match self.rewrite {
            PathRewrite::Keep if self.base.is_empty() => return None,
            PathRewrite::Keep => (Cow::Borrowed(self.base), ""),
            PathRewrite::Prefix(new) => (Cow::Owned(format!("{}{new}", self.base)), self.prefix),
            PathRewrite::Full(_) => return None,
        };
        let rest = path.strip_prefix(&*inside)?;
        if !rest.is_empty() && !rest.starts_with(['/', '?', '#']) {
            return None;
        }
        let named = format!("{outside}{rest}");
        Some(if named.starts_with('/') {
            named
        } else {
            format!("/{named}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(new: &str) -> PathRewrite {
        PathRewrite::Prefix(new.into())
    }

    #[test]
    fn paths_map_in_and_out() {
        for (rewrite, base, edge, backend) in [
            (PathRewrite::Keep, "", "/api/users/7", "/api/users/7"),
            (PathRewrite::Keep, "/v2", "/api/users/7", "/v2/api/users/7"),
            (prefix("/users"), "", "/api/users/7", "/users/7"),
            (prefix("/users"), "", "/api/users", "/users"),
            (prefix("/users"), "/v2", "/api/users/", "/v2/users/"),
            (prefix(""), "", "/api/users/7", "/7"),
            (prefix(""), "", "/api/users", "/"),
            (prefix(""), "/v2", "/api/users", "/v2"),
        ] {
            let paths = Paths {
                prefix: "/api/users",
                rewrite: &rewrite,
                base,
            };
            assert_eq!(paths.inward(edge), backend, "{rewrite:?} {base}");
            let again = paths.outward(backend).unwrap_or_else(|| backend.into());
            assert_eq!(
                again.trim_end_matches('/'),
                edge.trim_end_matches('/'),
                "{rewrite:?} {base} {backend}"
            );
        }
    }

    #[test]
    fn a_path_that_is_not_below_the_backends_prefix_stays() {
        let rewrite = prefix("/users");
        let paths = Paths {
            prefix: "/api/users",
            rewrite: &rewrite,
            base: "",
        };
        assert_eq!(paths.outward("/login"), None);
        assert_eq!(paths.outward("/usersettings"), None);
        assert_eq!(
            paths.outward("/users?page=2").as_deref(),
            Some("/api/users?page=2")
        );
    }

    #[test]
    fn the_query_goes_along_and_an_unchanged_target_is_not_copied() {
        let given: PathAndQuery = "/api/users/7?a=1&b=%20".parse().unwrap();
        let rewrite = prefix("/users");
        let paths = Paths {
            prefix: "/api/users",
            rewrite: &rewrite,
            base: "",
        };
        assert_eq!(
            paths.target(&given, given.path()).unwrap(),
            "/users/7?a=1&b=%20"
        );
        let kept = Paths {
            rewrite: &PathRewrite::Keep,
            ..paths
        };
        assert_eq!(
            kept.target(&given, given.path()).unwrap().as_str().as_ptr(),
            given.as_str().as_ptr()
        );
        assert_eq!(
            kept.target(&given, "/api/users/8").unwrap(),
            "/api/users/8?a=1&b=%20"
        );
    }

    #[test]
    fn a_full_rewrite_replaces_the_path_only() {
        let given: PathAndQuery = "/a/b?x=1".parse().unwrap();
        let paths = Paths {
            prefix: "/a",
            rewrite: &PathRewrite::Full("/fixed".into()),
            base: "/v2",
        };
        assert_eq!(paths.target(&given, "/a/b").unwrap(), "/v2/fixed?x=1");
    }
}
