//! Why nothing can be shared just now.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// A failure of the shared board. Traffic goes on; what was to be said is said again later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoardError {
    /// Redis cannot be reached, or does not answer in time, or is not ready. Whether it did what it was asked is unknown.
    #[error("redis is away: {0}")]
    Away(String),
    /// It answered, and refuses: a wrong password, a user who may not, a cluster's other node.
    #[error("redis refuses: {0}; see [state] redis")]
    Refused(String),
    /// What the others say cannot be compiled here.
    #[error("what other gateways say cannot be in force here: {0}")]
    NotInForce(String),
}

impl From<RedisError> for BoardError {
    fn from(error: RedisError) -> Self {
        let why = error.to_string();
        match error.kind() {
            ErrorKind::Io
            | ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly,
            ) => Self::Away(why),
            _ => Self::Refused(why),
        }
    }
}
