//! Where state is kept, as written: `[state]`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use chassis::secret::{ExposeSecret as _, SecretString};
use url::{ParseError, Url};

/// What survives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateConfig {
    /// The file.
    pub path: PathBuf,
    /// Where several gateways share what they know, if they do.
    pub redis: Option<RedisUrl>,
    /// While no gateway watched for longer than this, nobody can say that legacy was not used.
    pub observe_gap_max: Duration,
    /// For so long nobody must have used legacy before a route may be retired.
    pub retire_after: Duration,
}

/// The address of a Redis, with whatever it takes to be let in. Shows neither user nor password.
#[derive(Clone)]
pub struct RedisUrl {
    whole: SecretString,
    /// Without user and password.
    shown: String,
}

/// Why a text is no address of a Redis. Never holds the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRedisUrl {
    /// No address at all.
    #[error("is no address: {0}")]
    Address(#[from] ParseError),
    /// An address of something else.
    #[error("starts with neither redis:// nor rediss://")]
    Scheme,
    /// `redis:///0`.
    #[error("names no host")]
    Host,
    /// `redis://host/name`.
    #[error("has a path that is no number of a database")]
    Database,
    /// `redis://host?x=1`, `rediss://host#insecure`.
    #[error("has something behind ? or #, which means nothing here")]
    Rest,
}

impl RedisUrl {
    /// The address that `text` is.
    pub fn parse(text: &str) -> Result<Self, NoRedisUrl> {
        let mut url = Url::parse(text)?;
        if !matches!(url.scheme(), "redis" | "rediss") {
            return Err(NoRedisUrl::Scheme);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(NoRedisUrl::Host);
        }
        let database = url.path().trim_start_matches('/');
        if !database.is_empty() && database.parse::<u16>().is_err() {
            return Err(NoRedisUrl::Database);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(NoRedisUrl::Rest);
        }
        // With a host both can be taken out.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Self {
            whole: SecretString::from(text),
            shown: url.into(),
        })
    }

    /// As a client needs it, with its secrets.
    pub fn exposed(&self) -> &str {
        self.whole.expose_secret()
    }
}

impl PartialEq for RedisUrl {
    fn eq(&self, other: &Self) -> bool {
        self.exposed() == other.exposed()
    }
}

impl Eq for RedisUrl {}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisUrl").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_neither_user_nor_password() {
        let url = RedisUrl::parse("rediss://ana:hunter2@redis.internal:6380/3").unwrap();
        assert_eq!(url.to_string(), "rediss://redis.internal:6380/3");
        assert_eq!(
            format!("{url:?}"),
            "RedisUrl(\"rediss://redis.internal:6380/3\")"
        );
        assert!(url.exposed().contains("hunter2"));
    }

    #[test]
    fn what_is_no_address_of_a_redis_is_refused() {
        for (text, why) in [
            ("http://127.0.0.1:6379", NoRedisUrl::Scheme),
            (
                "127.0.0.1:6379",
                NoRedisUrl::Address(ParseError::RelativeUrlWithoutBase),
            ),
            ("redis:6379", NoRedisUrl::Host),
            ("redis:///0", NoRedisUrl::Host),
            ("redis://127.0.0.1/shop", NoRedisUrl::Database),
            ("redis://127.0.0.1?protocol=resp3", NoRedisUrl::Rest),
            ("rediss://127.0.0.1#insecure", NoRedisUrl::Rest),
            (
                "redis://:hun/ter@127.0.0.1",
                NoRedisUrl::Address(ParseError::EmptyHost),
            ),
        ] {
            assert_eq!(RedisUrl::parse(text).err(), Some(why), "{text}");
        }
    }
}
