//! The call, outermost first: deadline, retry or hedge within the budget, breaker, bulkhead, balance, attempt timeout,
//! transport.
//!
//! Everything that a try takes (a breaker's pass, a place, its count at the endpoint) is a guard: a caller who leaves
//! gives it back and has said nothing about the backend.

mod attempt;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response};
use smallvec::SmallVec;
use tokio::time::{Instant, timeout_at};

use self::attempt::{Ended, attempt};
use crate::body::Resend;
use crate::breaker::{Breaker, Outcome, Pass};
use crate::budget::Budget;
use crate::bulkhead::{Bulkhead, Permit, Places};
use crate::endpoint::{Endpoint, InFlight};
use crate::error::{CallError, Failed, Kind, Reused, Stopped, Trail};
use crate::fleet::Fleet;
use crate::hedge::Hedge;
use crate::retry::{self, retry_after};
use crate::tally::{Cause, Tally};
use crate::transport::{Connecting, Connection, Transport};

/// A group of endpoints that answer alike.
#[derive(Debug)]
pub struct Upstream {
    /// Its name: the label in metrics and logs.
    pub name: String,
    /// Where it listens.
    pub fleet: Arc<Fleet>,
    /// How connections to it come about.
    pub connecting: Connecting,
    /// How many calls it may have at once, if that is bounded.
    pub bulkhead: Option<Arc<Bulkhead>>,
    /// How many tries may come on top.
    pub budget: Arc<Budget>,
    /// What was decided.
    pub tally: Arc<Tally>,
}

/// Whose time runs out at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The route's: who does not answer by then has failed.
    Ours,
    /// The caller's, who waits for less, which says nothing of the backend.
    Callers,
}

/// How one call is made.
#[derive(Clone, Copy, Debug)]
pub struct Calling<'a> {
    /// Of whom.
    pub upstream: &'a Upstream,
    /// When it is tried again.
    pub retry: &'a retry::Settings,
    /// What keeps it from being made.
    pub breaker: Option<&'a Breaker>,
    /// What makes a second try beside one that takes long.
    pub hedge: Option<&'a Hedge>,
    /// Which places it may take one of.
    pub places: Option<Places<'a>>,
    /// What keeps a caller at one endpoint, where the balance asks for that.
    pub key: Option<u64>,
    /// The head of an answer must have come by then, all tries together.
    pub deadline: Instant,
    /// Whose deadline that is.
    pub whose: Whose,
}

/// The head of an answer, and who gave it.
#[derive(Debug)]
pub struct Answered<B> {
    /// The answer.
    pub response: Response<B>,
    /// Keep it until the answer's last byte.
    pub in_flight: InFlight,
    /// Keep it as well, unless the answer is a stream.
    pub permit: Option<Permit>,
    /// How it came to that.
    pub trail: Trail,
}

/// Makes a call. `prepare` fits the head to the endpoint of each try.
///
/// # Errors
/// There is no answer; what the tries came to is in the error.
pub async fn call<T, B>(
    transport: &T,
    calling: &Calling<'_>,
    head: &mut Request<()>,
    body: B,
    prepare: impl Fn(&Endpoint, &mut Request<()>),
) -> Result<Answered<T::Body>, CallError>
where
    T: Transport<B>,
    B: Resend,
{
    // The clock is asked at the beginning and the end of a try, and nowhere between.
    let began = Instant::now();
    calling.upstream.budget.deposit(began);
    let mut next = Next {
        body,
        began,
        now: began,
        tried: Tried::new(),
        trail: Trail::default(),
        stale_at: None,
    };
    // One place that waits long: what is kept of a call is what it needs there.
    loop {
        let spare = next.body.again();
        let body = std::mem::replace(&mut next.body, spare);
        let ended = attempt(transport, calling, head, body, &mut next, &prepare).await;
        let wait = match next.after(calling, head, ended) {
            Then::Done(done) => return done,
            Then::Again(wait) => wait,
        };
        if !wait.is_zero() {
            Box::pin(tokio::time::sleep(wait)).await;
        }
        next.now = Instant::now();
    }
}

/// Asks an endpoint once, for who must not be noticed: nothing is counted, learnt or repeated. `pass` is of a breaker of
/// the asker's own.
///
/// # Errors
/// There is no answer.
pub async fn call_apart<T, B>(
    transport: &T,
    upstream: &Upstream,
    pass: Option<Pass<'_>>,
    (head, body): (&mut Request<()>, B),
    deadline: Instant,
    prepare: impl Fn(&Endpoint, &mut Request<()>),
) -> Result<(Arc<Endpoint>, Response<T::Body>), CallError>
where
    T: Transport<B>,
{
    let begun = Instant::now();
    let dice = |below| fastrand::usize(..below);
    let picked = upstream.fleet.pick(begun, &[], None, dice);
    let endpoint = picked
        .ok_or_else(|| CallError::new(Kind::NoEndpoint))?
        .endpoint;
    prepare(&endpoint, head);
    let by = Connection {
        connecting: &upstream.connecting,
        fresh: false,
    };
    let asked = transport.call(&endpoint, by, head, body);
    let result = match timeout_at(deadline, asked).await {
        Ok(result) => result.map_err(|failed| failed.error),
        Err(_) => Err(CallError::new(Kind::Timeout)),
    };
    if let Some(pass) = pass {
        let now = Instant::now();
        let outcome = match &result {
            Ok(response) => attempt::outcome(pass.settings(), response.status()),
            Err(_) => Outcome::Failure,
        };
        pass.record(outcome, now.saturating_duration_since(begun), now);
    }
    Ok((
        Arc::clone(&endpoint),
        result.map_err(|error| error.at(&endpoint))?,
    ))
}

/// Ids of endpoints that were tried.
type Tried = SmallVec<[u32; 4]>;

/// What the next try begins with.
struct Next<B> {
    body: B,
    /// When the call began.
    began: Instant,
    /// When the try begins.
    now: Instant,
    tried: Tried,
    trail: Trail,
    /// Where a kept connection turned out dead: there again, over a new one.
    stale_at: Option<Arc<Endpoint>>,
}

enum Then<A> {
    Done(Result<Answered<A>, CallError>),
    Again(Duration),
}

impl<B: Resend> Next<B> {
    /// What becomes of a call of which a try ended so.
    fn after<A>(
        &mut self,
        calling: &Calling<'_>,
        head: &Request<()>,
        ended: Result<Answered<A>, Ended>,
    ) -> Then<A> {
        match ended {
            Ok(answered) => {
                if !calling.retry.on.answered(answered.response.status()) {
                    return Then::Done(Ok(self.signed(answered)));
                }
                let asked = retry_after(answered.response.headers());
                match self.again(calling, head, Cause::Status, false, asked) {
                    Some(wait) => Then::Again(wait),
                    None => Then::Done(Ok(self.signed(answered))),
                }
            }
            Err(Ended::Stale) => Then::Again(Duration::ZERO),
            Err(Ended::Failed(Failed { error, unsent, .. })) => {
                let kind = error.kind;
                let wait = (kind.is_connect() || calling.retry.on.failed(kind))
                    .then(|| self.again(calling, head, Cause::of(kind), unsent, None));
                match wait.flatten() {
                    Some(wait) => Then::Again(wait),
                    None => Then::Done(Err(error.after(self.trail))),
                }
            }
            Err(Ended::Refused(error)) => Then::Done(Err(error.after(self.trail))),
        }
    }

    fn signed<A>(&self, answered: Answered<A>) -> Answered<A> {
        Answered {
            trail: self.trail,
            ..answered
        }
    }

    /// The same endpoint once more, which was no try so far.
    fn replace(&mut self, endpoint: &Arc<Endpoint>) {
        self.trail.attempts -= 1;
        self.tried.pop();
        self.stale_at = Some(Arc::clone(endpoint));
    }

    /// Whether a kept connection died before a byte of an answer came, and the request may go over a new one.
    fn is_stale(&mut self, calling: &Calling<'_>, head: &Request<()>, failed: &Failed) -> bool {
        let died = matches!(failed.error.kind, Kind::ResetBeforeHead | Kind::Refused);
        let may_repeat = failed.unsent
            || is_safe(head.method())
            || calling.retry.repeats(head.method(), head.headers());
        if !(died && may_repeat && self.body.is_whole()) {
            return false;
        }
        let is_stale = match failed.reused {
            Reused::No => false,
            Reused::Yes => true,
            // It may have been a new one: so this is taken from the budget, as a retry is, and happens once.
            Reused::Unknown => {
                let Upstream { budget, .. } = calling.upstream;
                self.trail.stale == 0 && budget.withdraw(Instant::now(), calling.retry.budget)
            }
        };
        if is_stale {
            self.trail.stale += 1;
            calling.upstream.tally.stale();
        }
        is_stale
    }

    /// How long to wait before another try, unless there is none.
    fn again(
        &mut self,
        calling: &Calling<'_>,
        head: &Request<()>,
        cause: Cause,
        unsent: bool,
        asked: Option<Duration>,
    ) -> Option<Duration> {
        let tally = &calling.upstream.tally;
        match self.wait(calling, head, unsent, asked) {
            Ok(wait) => {
                tally.retried(cause);
                Some(wait)
            }
            Err(stopped) => {
                self.trail.stopped = Some(stopped);
                tally.stopped(stopped);
                None
            }
        }
    }

    fn wait(
        &self,
        calling: &Calling<'_>,
        head: &Request<()>,
        unsent: bool,
        asked: Option<Duration>,
    ) -> Result<Duration, Stopped> {
        let Calling {
            retry, deadline, ..
        } = *calling;
        if self.trail.attempts >= retry.attempts {
            return Err(Stopped::Attempts);
        }
        if !(unsent || retry.repeats(head.method(), head.headers())) {
            return Err(Stopped::Method);
        }
        if !self.body.is_whole() {
            return Err(Stopped::Body);
        }
        let now = Instant::now();
        let drawn = retry
            .wait_below(self.trail.attempts + 1)
            .mul_f64(fastrand::f64());
        let wait = drawn.max(asked.unwrap_or_default());
        // A backend may ask for more time than a clock can tell.
        if wait >= deadline.saturating_duration_since(now) {
            return Err(Stopped::Deadline);
        }
        // Asked last: only a try that is made is paid for.
        if !calling.upstream.budget.withdraw(now, retry.budget) {
            return Err(Stopped::Budget);
        }
        Ok(wait)
    }
}

/// When to come back after a full bulkhead.
const COME_BACK: Duration = Duration::from_secs(1);

/// RFC 9110, section 9.2.1.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests;
