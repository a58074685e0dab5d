//! What becomes of slashes in a path: `encoded_slash`, `encoded_slash_mode`, `merge_slashes`.

use crate::auth::config::AuthConfig;
use crate::config::table::Table;
use crate::route::config::{EncodedSlash, Slashes};

const ENCODED: [(&str, EncodedSlash); 3] = [
    ("reject", EncodedSlash::Reject),
    ("keep", EncodedSlash::Keep),
    ("decode", EncodedSlash::Decode),
];
const MODES: [(&str, bool); 2] = [("enforce", false), ("observe", true)];

/// What a route says of them itself.
pub(super) struct Read {
    encoded: Option<EncodedSlash>,
    observe: bool,
    merge: bool,
}

pub(super) fn read(table: &Table<'_>) -> Read {
    let encoded = table.get("encoded_slash");
    let encoded = encoded.and_then(|value| value.choice(&ENCODED));
    let mode = table.get("encoded_slash_mode");
    let observe = mode.as_ref().and_then(|value| value.choice(&MODES));
    if let (Some(mode), Some(true), Some(EncodedSlash::Keep)) = (&mode, observe, encoded) {
        mode.wrong(
            "has nothing to observe: encoded slashes are kept here",
            "write encoded_slash = \"reject\" or \"decode\", or take this key out",
        );
    }
    let merge = table.get("merge_slashes");
    Read {
        encoded,
        observe: observe.unwrap_or(false),
        merge: merge.and_then(|value| value.boolean()).unwrap_or(true),
    }
}

impl Read {
    /// A server behind may take `%2f` for a slash, and so see another path than the one that was authorised.
    pub(super) fn of(&self, auth: &AuthConfig) -> Slashes {
        let default = match auth {
            AuthConfig::Public => EncodedSlash::Keep,
            AuthConfig::Tokens(_) => EncodedSlash::Reject,
        };
        Slashes {
            encoded: self.encoded.unwrap_or(default),
            observe: self.observe,
            merge: self.merge,
        }
    }
}
