//! Which endpoint gets the next request: as written, and a file for each way.

pub(crate) mod slots;
pub(crate) mod p2c;
pub(crate) mod turns;
pub(crate) mod least;
pub(crate) mod ring;

use std::fmt;

use http::HeaderName;

/// As written: `balance` of `[upstream.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// The less busy and faster of two drawn at random.
    #[default]
    PowerOfTwo,
    /// One after the other.
    RoundRobin,
    /// Any.
    Random,
    /// The one with the fewest requests in flight.
    LeastRequest,
    /// Always the same for the same caller, as long as it is there.
    Hash(HashBy),
}

/// What tells callers apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashBy {
    /// The verified user.
    User,
    /// A field of the request.
    Header(HeaderName),
    /// A cookie of the request.
    Cookie(String),
    /// The client's address.
    Ip,
}

/// As it is written.
impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PowerOfTwo => f.write_str("p2c"),
            Self::RoundRobin => f.write_str("round_robin"),
            Self::Random => f.write_str("random"),
            Self::LeastRequest => f.write_str("least_request"),
            Self::Hash(HashBy::User) => f.write_str("hash:user"),
            Self::Hash(HashBy::Header(name)) => write!(f, "hash:header:{name}"),
            Self::Hash(HashBy::Cookie(name)) => write!(f, "hash:cookie:{name}"),
            Self::Hash(HashBy::Ip) => f.write_str("hash:ip"),
        }
    }
}

/// The key of a caller whom `text` tells apart: the same in every process and release.
pub fn key(text: &[u8]) -> u64 {
    ring::position(text)
}
