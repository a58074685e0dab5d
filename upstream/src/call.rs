//! The call, outermost first: deadline, attempts, balance, transport.
//!
//! An endpoint that cannot be reached is no answer yet: another one is tried, whatever the method, because no byte of
//! the request has left. Everything else is said to the caller as it is.

use std::sync::Arc;

use http::{Request, Response};
use tokio::time::Instant;

use crate::balance;
use crate::endpoint::{Endpoint, InFlight};
use crate::error::{CallError, Failed, Kind};
use crate::transport::{Connecting, Transport};

/// Tries in all.
const ATTEMPTS: u32 = 2;

/// A group of endpoints that answer alike.
#[derive(Debug)]
pub struct Upstream {
    /// Its name: the label in metrics and logs.
    pub name: String,
    /// Where it listens; at least one.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// How connections to it come about.
    pub connecting: Connecting,
}

/// The head of an answer, and who gave it.
#[derive(Debug)]
pub struct Answered<B> {
    /// The answer.
    pub response: Response<B>,
    /// Keep it until the answer's last byte.
    pub in_flight: InFlight,
    /// How many attempts it took.
    pub attempts: u32,
}

/// Calls `upstream` before `deadline`. `prepare` fits the request to the endpoint of each attempt.
pub async fn call<T, B>(
    transport: &T,
    upstream: &Upstream,
    request: Request<B>,
    deadline: Instant,
    prepare: impl Fn(&Endpoint, &mut Request<B>),
) -> Result<Answered<T::Body>, CallError>
where
    T: Transport<B>,
{
    tokio::time::timeout_at(deadline, attempt(transport, upstream, request, prepare))
        .await
        .unwrap_or_else(|_| Err(CallError::new(Kind::Timeout)))
}

async fn attempt<T, B>(
    transport: &T,
    upstream: &Upstream,
    mut request: Request<B>,
    prepare: impl Fn(&Endpoint, &mut Request<B>),
) -> Result<Answered<T::Body>, CallError>
where
    T: Transport<B>,
{
    let mut failed_at: Option<Arc<Endpoint>> = None;
    let mut attempts = 0;
    loop {
        let picked = balance::pick(&upstream.endpoints, failed_at.as_deref(), |n| {
            fastrand::usize(..n)
        });
        let endpoint = picked.ok_or_else(|| CallError::new(Kind::NoEndpoint))?;
        prepare(endpoint, &mut request);
        attempts += 1;
        let in_flight = InFlight::at(endpoint);
        match transport
            .call(endpoint, &upstream.connecting, request)
            .await
        {
            Ok(response) => {
                return Ok(Answered {
                    response,
                    in_flight,
                    attempts,
                });
            }
            Err(Failed {
                error,
                unsent: Some(unsent),
            }) if error.kind.is_connect() && attempts < ATTEMPTS => {
                request = *unsent;
                failed_at = Some(Arc::clone(endpoint));
            }
            Err(Failed { error, .. }) => {
                return Err(error.at(endpoint, attempts));
            }
        }
    }
}

#[cfg(test)]
mod tests;
