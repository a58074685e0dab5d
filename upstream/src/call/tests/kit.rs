//! Endpoints that do as they are told, and an upstream of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Method, Request, Response};
use http_body_util::Full;
use tokio::time::Instant;

use crate::body::Resend;
use crate::breaker::{self, Breaker};
use crate::bulkhead::{self, Bulkhead, Places};
use crate::call::{Answered, Calling, Upstream, Whose, call};
use crate::endpoint::{Endpoint, Place};
use crate::error::{CallError, Failed, Kind, Reused};
use crate::fleet::{self, Fleet, Member};
use crate::hedge::{self, Hedge};
use crate::retry;
use crate::transport::{Connecting, Connection, Transport};

/// What an endpoint does with each request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    Answers(u16),
    /// With so many seconds in `Retry-After`.
    AnswersAfter(u16, u64),
    Refuses,
    Hangs,
    Resets,
    /// The same, by a client that does not say whether the connection was new.
    ResetsUnknown,
    /// Every kept connection is dead; a fresh one answers.
    Stale,
    /// The same, found out before a byte went out.
    StaleUnsent,
}

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    head: Request<()>,
    body: Body,
    wait: Duration,
    whose: Whose,
}

impl Asked {
    pub(super) fn new(method: Method) -> Self {
        Self {
            head: Request::builder().method(method).body(()).unwrap(),
            body: Body::default(),
            wait: Duration::from_secs(15),
            whose: Whose::Ours,
        }
    }

    pub(super) fn with_key(mut self, has_key: bool) -> Self {
        if has_key {
            let key = "7".parse().unwrap();
            self.head.headers_mut().insert(retry::IDEMPOTENCY_KEY, key);
        }
        self
    }

    pub(super) fn spent(mut self) -> Self {
        self.body.is_spent = true;
        self
    }

    /// By a client that stops in the middle of its body.
    pub(super) fn stalled(mut self) -> Self {
        self.body.is_awaited = true;
        self
    }

    pub(super) fn until(self, wait: Duration, whose: Whose) -> Self {
        Self {
            wait,
            whose,
            ..self
        }
    }
}

/// A body that may be read again, or not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Body {
    is_spent: bool,
    is_awaited: bool,
}

impl Resend for Body {
    fn again(&self) -> Self {
        *self
    }

    fn is_whole(&self) -> bool {
        !self.is_spent
    }

    fn is_awaited(&self) -> bool {
        self.is_awaited
    }
}

/// An upstream whose endpoints listen on ports from 0 on.
pub(super) struct Kit {
    pub(super) upstream: Upstream,
    scripted: Scripted,
    endpoints: Vec<Arc<Endpoint>>,
    retry: retry::Settings,
    breaker: Option<Breaker>,
    hedge: Option<Hedge>,
}

struct Scripted {
    does: Mutex<Vec<Does>>,
    asked: Vec<AtomicUsize>,
}

impl Kit {
    pub(super) fn new(does: &[Does]) -> Self {
        let endpoint = |at| {
            let port = u16::try_from(at).unwrap();
            Arc::new(Endpoint::new(Place::new("10.0.0.1", port, "")).unwrap())
        };
        let endpoints: Vec<_> = (0..does.len()).map(endpoint).collect();
        let members = endpoints.iter().map(|endpoint| Member {
            endpoint: Arc::clone(endpoint),
            weight: 1,
        });
        let settings = fleet::Settings {
            // What is left out is another test's.
            ejection: crate::ejection::Settings {
                consecutive_5xx: 0,
                ..crate::ejection::Settings::default()
            },
            ..fleet::Settings::default()
        };
        Self {
            upstream: Upstream {
                name: "users".into(),
                fleet: Arc::new(Fleet::new(settings, members.collect())),
                connecting: Connecting {
                    timeout: Duration::from_secs(2),
                    idle_max: 8,
                    idle_timeout: Duration::from_mins(1),
                },
                bulkhead: None,
                budget: Arc::default(),
                tally: Arc::default(),
            },
            scripted: Scripted {
                does: Mutex::new(does.to_vec()),
                asked: does.iter().map(|_| AtomicUsize::new(0)).collect(),
            },
            endpoints,
            retry: retry::Settings::default(),
            breaker: None,
            hedge: None,
        }
    }

    pub(super) fn retrying(self, retry: retry::Settings) -> Self {
        Self { retry, ..self }
    }

    pub(super) fn breaking(self, settings: breaker::Settings) -> Self {
        let breaker = Some(Breaker::new(settings));
        Self { breaker, ..self }
    }

    /// It has answered within 20 ms a thousand times.
    pub(super) async fn hedging(self) -> Self {
        let hedge = Hedge::new(hedge::Settings::default());
        for _ in 0..1000 {
            self.upstream.budget.deposit(Instant::now());
            hedge.record(Duration::from_millis(20));
        }
        tokio::time::advance(Duration::from_secs(5)).await;
        let hedge = Some(hedge);
        Self { hedge, ..self }
    }

    /// Second tries, and those of them that were the faster ones.
    pub(super) fn hedged(&self) -> Option<(u64, u64)> {
        self.hedge.as_ref().map(Hedge::counted)
    }

    pub(super) fn within(mut self, settings: bulkhead::Settings) -> Self {
        self.upstream.bulkhead = Some(Bulkhead::new(settings));
        self
    }

    pub(super) fn does(&self, at: usize, does: Does) {
        self.scripted.does.lock().unwrap()[at] = does;
    }

    pub(super) fn asked_of(&self, at: usize) -> usize {
        self.scripted.asked[at].load(Ordering::Relaxed)
    }

    pub(super) fn endpoint(&self, at: usize) -> &Arc<Endpoint> {
        &self.endpoints[at]
    }

    pub(super) async fn ask(&self, asked: Asked) -> Result<Answered<Full<Bytes>>, CallError> {
        self.ask_with(&self.retry, asked).await
    }

    /// Without the waits between tries, so that all of many calls come within the budget's window.
    pub(super) async fn ask_at_once(
        &self,
        asked: Asked,
    ) -> Result<Answered<Full<Bytes>>, CallError> {
        let retry = retry::Settings {
            backoff: Duration::ZERO,
            ..self.retry.clone()
        };
        self.ask_with(&retry, asked).await
    }

    async fn ask_with(
        &self,
        retry: &retry::Settings,
        mut asked: Asked,
    ) -> Result<Answered<Full<Bytes>>, CallError> {
        let calling = Calling {
            upstream: &self.upstream,
            retry,
            breaker: self.breaker.as_ref(),
            hedge: self.hedge.as_ref(),
            places: self.upstream.bulkhead.as_ref().map(Places::all),
            key: None,
            deadline: Instant::now() + asked.wait,
            whose: asked.whose,
        };
        let (head, body) = (&mut asked.head, asked.body);
        call(&self.scripted, &calling, head, body, |_, _| {}).await
    }
}

impl Transport<Body> for Scripted {
    type Body = Full<Bytes>;

    async fn call(
        &self,
        endpoint: &Arc<Endpoint>,
        by: Connection<'_>,
        _: &Request<()>,
        _: Body,
    ) -> Result<Response<Full<Bytes>>, Failed> {
        let at = usize::from(endpoint.place().port);
        self.asked[at].fetch_add(1, Ordering::Relaxed);
        let does = self.does.lock().unwrap()[at];
        let failed = |kind, unsent, reused| {
            Err(Failed {
                error: CallError::new(kind),
                unsent,
                reused,
            })
        };
        let answer = |status| Response::builder().status(status);
        let empty = Full::<Bytes>::default();
        match does {
            Does::Answers(status) => Ok(answer(status).body(empty).unwrap()),
            Does::AnswersAfter(status, wait) => {
                let answer = answer(status).header(RETRY_AFTER, wait);
                Ok(answer.body(empty).unwrap())
            }
            Does::Refuses => failed(Kind::Connect, true, Reused::No),
            Does::Hangs => std::future::pending().await,
            Does::Resets => failed(Kind::ResetBeforeHead, false, Reused::No),
            Does::ResetsUnknown => failed(Kind::ResetBeforeHead, false, Reused::Unknown),
            Does::Stale | Does::StaleUnsent if by.fresh => Ok(answer(200).body(empty).unwrap()),
            Does::Stale => failed(Kind::ResetBeforeHead, false, Reused::Yes),
            Does::StaleUnsent => failed(Kind::Refused, true, Reused::Yes),
        }
    }
}
