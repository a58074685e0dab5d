//! Backends that do what a test says, and remember what they were asked.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use composition::{Backend, Carried, Carrier, Lost, Reason, Terms, Way};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};
use upstream::{CallError, Failed, Kind};

/// How a backend answers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    after: Duration,
    status: StatusCode,
    fields: HeaderMap,
    body: Result<Bytes, Reason>,
    lost: Option<Lost>,
}

/// One request that a backend got.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Since the script's beginning.
    pub(crate) at: Duration,
    pub(crate) backend: &'static str,
    pub(crate) target: String,
    pub(crate) fields: HeaderMap,
}

type Answer = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// The backends of one test, by name.
pub(crate) struct Script {
    way: Way,
    began: Instant,
    answers: Mutex<Vec<(&'static str, Answer)>>,
    seen: Mutex<Vec<Seen>>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").finish_non_exhaustive()
    }
}

pub(crate) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl Reply {
    /// 200 with JSON.
    pub(crate) fn json(value: &Value) -> Self {
        Self::text(200, &value.to_string())
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::bytes(status, body.as_bytes())
    }

    pub(crate) fn bytes(status: u16, body: &[u8]) -> Self {
        Self {
            after: Duration::ZERO,
            status: StatusCode::from_u16(status).unwrap(),
            fields: HeaderMap::new(),
            body: Ok(Bytes::copy_from_slice(body)),
            lost: None,
        }
    }

    /// No answer at all.
    pub(crate) fn lost(lost: Lost) -> Self {
        Self {
            lost: Some(lost),
            ..Self::text(200, "")
        }
    }

    /// A head without what should follow it.
    pub(crate) fn broken_off(reason: Reason) -> Self {
        Self {
            body: Err(reason),
            ..Self::text(200, "")
        }
    }

    pub(crate) fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    pub(crate) fn field(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.fields.insert(name, value);
        self
    }
}

impl Reply {
    /// As a backend's answer on a connection.
    pub(crate) async fn over_wire(self) -> Result<Response<Full<Bytes>>, Failed> {
        sleep(self.after).await;
        if self.lost.is_some() {
            return Err(Failed::connecting(CallError::new(Kind::Connect)));
        }
        let mut response = Response::new(Full::new(self.body.unwrap()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.fields;
        Ok(response)
    }
}

impl Script {
    /// Without a gateway.
    pub(crate) fn new() -> Arc<Self> {
        Self::behind(Way::Direct)
    }

    pub(crate) fn behind(way: Way) -> Arc<Self> {
        Arc::new(Self {
            way,
            began: Instant::now(),
            answers: Mutex::default(),
            seen: Mutex::default(),
        })
    }

    /// From now on a backend answers so.
    pub(crate) fn says(&self, backend: &'static str, reply: Reply) {
        self.answers(backend, move |_| reply.clone());
    }

    /// From now on a backend answers what this makes of a request.
    pub(crate) fn answers(
        &self,
        backend: &'static str,
        answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) {
        let mut answers = self.answers.lock().unwrap();
        answers.retain(|(name, _)| *name != backend);
        answers.push((backend, Arc::new(answer)));
    }

    /// What a backend was asked.
    pub(crate) fn seen(&self, backend: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.backend == backend)
            .cloned()
            .collect()
    }

    /// How many requests there were in all.
    pub(crate) fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Carrier for Script {
    fn way(&self) -> Way {
        self.way
    }

    fn carry<'a>(
        &'a self,
        backend: &'a Arc<Backend>,
        request: Request<Bytes>,
        terms: Terms,
    ) -> BoxFuture<'a, Result<Carried, Lost>> {
        let place = match terms.enter(backend) {
            Ok(place) => place,
            Err(lost) => return Box::pin(async { Err(lost) }),
        };
        let seen = Seen {
            at: self.began.elapsed(),
            backend: backend.name,
            target: request.uri().to_string(),
            fields: request.headers().clone(),
        };
        self.seen.lock().unwrap().push(seen.clone());
        let answer = {
            let answers = self.answers.lock().unwrap();
            let found = answers.iter().find(|(name, _)| *name == backend.name);
            let (_, answer) = found.unwrap_or_else(|| panic!("{} has no script", backend.name));
            Arc::clone(answer)
        };
        let reply = answer(&seen);
        Box::pin(async move {
            let _place = place;
            let waited = timeout_at(terms.allowance.ends, sleep(reply.after)).await;
            waited.map_err(|_| Lost::new(Reason::Timeout))?;
            match reply.lost {
                Some(lost) => Err(lost),
                None => Ok(Carried {
                    status: reply.status,
                    fields: reply.fields,
                    body: reply.body,
                }),
            }
        })
    }
}
