//! One connection for everybody, made when it is needed and made anew after any failure. Nobody waits long for it.
//!
//! The library's own manager keeps a connection whose other end answers no more, until TCP gives it up after many minutes.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisError, ScriptInvocation};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::error::BoardError;
use crate::store::config::RedisUrl;

/// For a connection, with its name looked up and its TLS. Rollouts hold meanwhile, so it is short.
const CONNECT: Duration = Duration::from_secs(1);

/// For one answer. A script takes well under a millisecond.
const ANSWER: Duration = Duration::from_secs(1);

/// So long after a failed attempt nobody else tries: all who ask at once wait for one attempt, not each for its own.
const PAUSE: Duration = Duration::from_millis(200);

/// To one Redis.
pub(super) struct Connection {
    client: Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<MultiplexedConnection>,
    /// Counts connections, so that a failure closes the one that it happened on and no later one.
    number: u64,
    failed: Option<(Instant, BoardError)>,
}

impl Connection {
    /// Connects to nothing yet.
    pub(super) fn new(url: &RedisUrl) -> Result<Self, BoardError> {
        Ok(Self {
            client: Client::open(url.exposed())?,
            state: Mutex::default(),
        })
    }

    /// Runs a script.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, BoardError> {
        let (mut connection, number) = self.open().await?;
        let answer = script.invoke_async(&mut connection).await;
        self.settled(answer, number).await
    }

    /// Sends a command.
    pub(super) async fn send<T: FromRedisValue>(
        &self,
        command: &redis::Cmd,
    ) -> Result<T, BoardError> {
        let (mut connection, number) = self.open().await?;
        let answer = command.query_async(&mut connection).await;
        self.settled(answer, number).await
    }

    async fn open(&self) -> Result<(MultiplexedConnection, u64), BoardError> {
        // Held while connecting: whoever comes meanwhile waits for the same connection.
        let mut state = self.state.lock().await;
        if let Some(open) = &state.open {
            return Ok((open.clone(), state.number));
        }
        if let Some((at, error)) = &state.failed
            && at.elapsed() < PAUSE
        {
            return Err(error.clone());
        }
        match self.connect().await {
            Ok(open) => {
                state.number += 1;
                state.failed = None;
                state.open = Some(open.clone());
                Ok((open, state.number))
            }
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, BoardError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        match timeout(CONNECT, connecting).await {
            Ok(connected) => Ok(connected?),
            Err(_) => Err(BoardError::Away("no connection within a second".to_owned())),
        }
    }

    /// After a failure the connection is not used again: making another one costs little.
    async fn settled<T>(
        &self,
        answer: Result<T, RedisError>,
        number: u64,
    ) -> Result<T, BoardError> {
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let mut state = self.state.lock().await;
        if state.number == number {
            state.open = None;
        }
        Err(error.into())
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client knows the password.
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
