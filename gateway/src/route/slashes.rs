//! Slashes that servers read in different ways: what a route's policy makes of them.
//!
//! A route is found before its policy is known. So a path that the policy changes must lead to the same route again:
//! whatever is forwarded has been matched and authorised as it is.

use std::borrow::Cow;

use super::config::{EncodedSlash, Slashes};
use super::path::{PathError, decode_slashes, has_encoded_slash, normalise, normalise_unmerged};

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// An encoded slash or backslash, where the route takes none, or where decoding it leads elsewhere.
    #[error("this route takes no such encoded slash")]
    Encoded,
    /// It could be read in two ways.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// A path as it is forwarded.
#[derive(Debug, PartialEq, Eq)]
pub struct Settled<'a> {
    /// The path.
    pub path: Cow<'a, str>,
    /// It would be refused, if the policy were not only observed.
    pub observed: bool,
}

impl Slashes {
    /// The path to forward for one that was `given` and has this `normal` form. `stays` says whether another path leads
    /// to the same route.
    pub fn settle<'a>(
        self,
        given: &str,
        normal: Cow<'a, str>,
        stays: impl Fn(&str) -> bool,
    ) -> Result<Settled<'a>, Refused> {
        let mut path = normal;
        if !self.merge && given.contains("//") {
            path = Cow::Owned(unmerged(given, &path, &stays)?);
        }
        let mut observed = false;
        if self.encoded != EncodedSlash::Keep && has_encoded_slash(&path) {
            match self.decoded(&path, &stays) {
                Some(decoded) => path = Cow::Owned(decoded),
                None if self.observe => observed = true,
                None => return Err(Refused::Encoded),
            }
        }
        Ok(Settled { path, observed })
    }

    fn decoded(self, path: &str, stays: &impl Fn(&str) -> bool) -> Option<String> {
        if self.encoded != EncodedSlash::Decode {
            return None;
        }
        let decoded = decode_slashes(path);
        let merged = normalise(&decoded).ok()?;
        if !stays(&merged) {
            return None;
        }
        if self.merge {
            return Some(merged.into_owned());
        }
        unmerged(&decoded, &merged, stays).ok()
    }
}

/// Whoever merges slashes behind us must come to the path that was matched, and whoever does not, too.
fn unmerged(given: &str, merged: &str, stays: &impl Fn(&str) -> bool) -> Result<String, PathError> {
    let kept = normalise_unmerged(given)?;
    if normalise(&kept)? == merged && stays(&kept) {
        Ok(kept)
    } else {
        Err(PathError::RepeatedSlash)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settle(slashes: Slashes, given: &str) -> Result<(String, bool), Refused> {
        let normal = normalise(given)?;
        let guarded = |path: &str| path == "/api" || path.starts_with("/api/");
        let was = guarded(&normal);
        let settled = slashes.settle(given, normal, |path| guarded(path) == was)?;
        Ok((settled.path.into_owned(), settled.observed))
    }

    fn policy(encoded: EncodedSlash) -> Slashes {
        Slashes {
            encoded,
            observe: false,
            merge: true,
        }
    }

    #[test]
    fn encoded_slashes_are_refused_kept_or_decoded() {
        let (reject, keep) = (policy(EncodedSlash::Reject), policy(EncodedSlash::Keep));
        let decode = policy(EncodedSlash::Decode);
        let to = |path: &str| Ok((path.to_owned(), false));
        assert_eq!(settle(reject, "/a/b"), to("/a/b"));
        assert_eq!(settle(reject, "/a%2fb"), Err(Refused::Encoded));
        assert_eq!(settle(reject, "/a%5cb"), Err(Refused::Encoded));
        assert_eq!(settle(keep, "/a%2fb"), to("/a%2Fb"));
        assert_eq!(settle(decode, "/a%2fb%2f/c"), to("/a/b/c"));
        // Encoded twice, it is an encoded percent sign.
        assert_eq!(settle(decode, "/a%252fb"), to("/a%252fb"));
        assert_eq!(settle(decode, "/a%5cb"), Err(Refused::Encoded));
    }

    #[test]
    fn a_decoded_path_reaches_no_other_route() {
        let decode = policy(EncodedSlash::Decode);
        for given in ["/api%2fx", "/%2fapi", "/a%2f../api", "/x%2f%2e%2e/api"] {
            assert!(settle(decode, given).is_err(), "{given}");
        }
        assert_eq!(settle(decode, "/api/a%2fb"), Ok(("/api/a/b".into(), false)));
    }

    #[test]
    fn what_is_observed_passes_as_it_is() {
        for encoded in [EncodedSlash::Reject, EncodedSlash::Decode] {
            let slashes = Slashes {
                observe: true,
                ..policy(encoded)
            };
            assert_eq!(settle(slashes, "/api%2fx"), Ok(("/api%2Fx".into(), true)));
            assert_eq!(settle(slashes, "/api"), Ok(("/api".into(), false)));
        }
    }

    #[test]
    fn repeated_slashes_stay_where_they_change_nothing_else() {
        let slashes = Slashes {
            merge: false,
            ..policy(EncodedSlash::Keep)
        };
        let to = |path: &str| Ok((path.to_owned(), false));
        assert_eq!(settle(slashes, "/api//a///b//"), to("/api//a///b//"));
        assert_eq!(settle(slashes, "/a//%62/./c"), to("/a//b/c"));
        let elsewhere = Err(Refused::Path(PathError::RepeatedSlash));
        assert_eq!(settle(slashes, "//api/x"), elsewhere);
        // One slash to some: then `..` leaves another segment.
        assert_eq!(settle(slashes, "/a/b//../c"), elsewhere);
    }

    proptest! {
        #[test]
        fn what_is_forwarded_is_what_was_matched(
            given in "/(api|x|[a-z./;%]|%2[eEfF]|%5c|//|\\.\\.){0,20}",
            encoded in prop::sample::select(vec![EncodedSlash::Reject, EncodedSlash::Keep, EncodedSlash::Decode]),
            observe: bool,
            merge: bool,
        ) {
            let slashes = Slashes { encoded, observe, merge };
            if let (Ok(normal), Ok((path, _))) = (normalise(&given), settle(slashes, &given)) {
                prop_assert!(path.split('/').all(|segment| !matches!(segment, "." | "..")), "{}", path);
                let guarded = |path: &str| path == "/api" || path.starts_with("/api/");
                prop_assert_eq!(guarded(&normal), guarded(&path), "{}", path);
                // A second reader comes to the same path.
                let again = if merge { normalise(&path).map(Cow::into_owned) } else { normalise_unmerged(&path) };
                prop_assert_eq!(again.as_deref(), Ok(&*path));
            }
        }
    }
}
