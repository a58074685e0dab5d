//! What the judge is told of one request: how the side that was asked did, if that says anything of the side at all.
//!
//! Decided by an answer's head, unless its body breaks off later. A status in trailers is not looked at.

use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use http_body::Body;
use strangler::{Decision, Reason, Side};
use upstream::{Kind, Whose};

use super::compiled::Canary;
use super::config::Failures;
use super::noted::{Notes, SLOWEST, Sample};
use crate::forward::body::AnswerBodyError;
use crate::metrics::stats::RouteStats;

const GRPC_STATUS: &str = "grpc-status";

/// The head of a side's answer, or why there is none.
pub type Came<'a> = Result<(StatusCode, &'a HeaderMap), Kind>;

/// What a side is to blame for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its answer says that it failed.
    Answer,
    /// No answer within our own time.
    Timeout,
    /// No connection within our own time.
    ConnectTimeout,
    /// No connection, or none that held until an answer.
    Connection,
}

/// How a side that was asked did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// It answered.
    Well,
    /// It failed.
    Badly(Fault),
    /// The caller's doing: it sent half a request, or would not wait.
    Unsaid,
}

impl Went {
    /// By the head of its answer, or by why there is none.
    pub fn of(came: Came<'_>, whose: Whose) -> Self {
        match came {
            Ok((status, _)) if status.as_u16() >= 500 => Self::Badly(Fault::Answer),
            Ok((_, fields)) if is_grpc_failure(fields) => Self::Badly(Fault::Answer),
            Ok(_) => Self::Well,
            Err(Kind::RequestBody) => Self::Unsaid,
            Err(Kind::Timeout) if whose == Whose::Callers => Self::Unsaid,
            Err(Kind::Timeout) => Self::Badly(Fault::Timeout),
            Err(Kind::ConnectTimeout) => Self::Badly(Fault::ConnectTimeout),
            Err(
                Kind::NoEndpoint
                | Kind::Connect
                | Kind::Refused
                | Kind::ResetBeforeHead
                | Kind::Malformed,
            ) => Self::Badly(Fault::Connection),
            // What keeps a side from being asked is that it fails or hangs.
            Err(Kind::BreakerOpen | Kind::BulkheadFull) => Self::Badly(Fault::Answer),
        }
    }
}

/// How a request went so far. Noted when this is dropped: with the end of its answer, which may break off before.
#[derive(Debug)]
pub struct SoFar {
    notes: Rc<Notes>,
    route: Arc<RouteStats>,
    canary: Canary,
    whose: Whose,
    sample: Option<Sample>,
}

impl SoFar {
    /// By the answer's head, or by there being none.
    pub fn new(
        notes: &Rc<Notes>,
        route: &Arc<RouteStats>,
        canary: &Canary,
        whose: Whose,
        sample: Sample,
    ) -> Self {
        Self {
            notes: Rc::clone(notes),
            route: Arc::clone(route),
            canary: *canary,
            whose,
            sample: Some(sample),
        }
    }

    /// The answer's body ended early.
    pub fn broke_off(&mut self, why: &AnswerBodyError) {
        let fault = match (why, self.whose) {
            // The caller would not wait, which says nothing.
            (AnswerBodyError::Timeout, Whose::Callers) => return self.sample = None,
            (AnswerBodyError::Timeout | AnswerBodyError::Idle, _) => Fault::Timeout,
            (AnswerBodyError::Upstream(_), _) => Fault::Connection,
        };
        if let Some(sample) = &mut self.sample {
            sample.failed |= self.canary.failures.count(fault);
        }
    }
}

impl Drop for SoFar {
    fn drop(&mut self) {
        if let Some(sample) = self.sample {
            self.notes.note(&self.route, self.canary.step, sample);
        }
    }
}

/// Whom their bucket sent to the service.
fn is_the_canarys(decision: Decision) -> bool {
    (decision.side, decision.reason) == (Side::Service, Reason::Bucket)
}

/// The server's fault: unknown, deadline exceeded, resource exhausted, unimplemented, internal, unavailable, data loss.
fn is_grpc_failure(fields: &HeaderMap) -> bool {
    let Some(value) = fields.get(GRPC_STATUS) else {
        return false;
    };
    let code = value.to_str().ok().and_then(|text| text.parse().ok());
    matches!(code, Some(2_u32 | 4 | 8 | 12..=15))
}

impl Failures {
    /// Whether the file says that this is a failure.
    pub fn count(self, fault: Fault) -> bool {
        match fault {
            Fault::Answer => self.answers,
            Fault::Timeout => self.timeouts,
            Fault::ConnectTimeout => self.timeouts || self.connections,
            Fault::Connection => self.connections,
        }
    }
}

impl Canary {
    /// So many at once at most, where the request counts among them.
    pub fn cap(&self, decision: Decision) -> Option<NonZeroU32> {
        self.max_concurrent.filter(|_| is_the_canarys(decision))
    }

    /// Whether legacy may be asked in the place of a service that fails: only what may be repeated, and is small.
    pub fn has_net(&self, decision: Decision, method: &Method, body: &impl Body) -> bool {
        self.failover
            && is_the_canarys(decision)
            && matches!(*method, Method::GET | Method::HEAD)
            && body.is_end_stream()
    }

    /// Whether the service failed so that legacy is asked. Whoever set the deadline, the service had only its part of it.
    pub fn falls(&self, came: Came<'_>) -> bool {
        match Went::of(came, Whose::Ours) {
            Went::Badly(fault) => self.failures.count(fault),
            Went::Well | Went::Unsaid => false,
        }
    }

    /// What is noted of a request. Only those whom their bucket put on a side are a random sample of all.
    pub fn sample(&self, decision: Decision, went: Went, took: Duration) -> Option<Sample> {
        let by_bucket = decision.reason == Reason::Bucket;
        let bucket = decision.bucket.filter(|_| by_bucket)?;
        let (failed, timed_out) = match went {
            Went::Unsaid => return None,
            Went::Well => (false, false),
            Went::Badly(fault) => (
                self.failures.count(fault),
                matches!(fault, Fault::Timeout | Fault::ConnectTimeout),
            ),
        };
        let micros = u32::try_from(took.as_micros()).unwrap_or(SLOWEST);
        Some(Sample {
            hash: bucket.hash(),
            took: if timed_out { SLOWEST } else { micros },
            side: decision.side,
            failed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http_body_util::{Empty, Full};
    use strangler::Bucketer;

    use crate::judge::config::{JudgeConfig, RolloutConfig};

    const TOOK: Duration = Duration::from_micros(1_500);

    fn by(reason: Reason) -> Decision {
        Decision {
            side: Side::Service,
            reason,
            bucket: Some(Bucketer::new("orders", 1).bucket("alice")),
        }
    }

    fn canary() -> Canary {
        let rollout = RolloutConfig {
            max_concurrent: 2,
            failover: true,
            ..RolloutConfig::default()
        };
        Canary::new(&rollout, &JudgeConfig::default(), 1)
    }

    /// What is noted of a status: (failed, microseconds).
    fn noted(came: Result<(u16, Option<&'static str>), Kind>) -> Option<(bool, u32)> {
        let canary = canary();
        let mut fields = HeaderMap::new();
        let came = came.map(|(status, grpc)| {
            if let Some(grpc) = grpc {
                fields.insert(GRPC_STATUS, HeaderValue::from_static(grpc));
            }
            StatusCode::from_u16(status).unwrap()
        });
        let went = Went::of(came.map(|status| (status, &fields)), Whose::Ours);
        let sample = canary.sample(by(Reason::Bucket), went, TOOK)?;
        assert_eq!(sample.side, Side::Service);
        assert_eq!(sample.hash, by(Reason::Bucket).bucket.unwrap().hash());
        Some((sample.failed, sample.took))
    }

    #[test]
    fn a_side_is_blamed_for_what_is_its_fault_only() {
        for (came, expected) in [
            (Ok((200, None)), Some((false, 1_500))),
            (Ok((101, None)), Some((false, 1_500))),
            (Ok((304, None)), Some((false, 1_500))),
            (Ok((404, None)), Some((false, 1_500))),
            (Ok((429, None)), Some((false, 1_500))),
            (Ok((499, None)), Some((false, 1_500))),
            (Ok((500, None)), Some((true, 1_500))),
            (Ok((503, None)), Some((true, 1_500))),
            (Ok((599, None)), Some((true, 1_500))),
            (Err(Kind::Connect), Some((true, 1_500))),
            (Err(Kind::NoEndpoint), Some((true, 1_500))),
            (Err(Kind::ResetBeforeHead), Some((true, 1_500))),
            (Err(Kind::Malformed), Some((true, 1_500))),
            (Err(Kind::ConnectTimeout), Some((true, SLOWEST))),
            (Err(Kind::Timeout), Some((true, SLOWEST))),
            (Err(Kind::RequestBody), None),
        ] {
            assert_eq!(noted(came), expected, "{came:?}");
        }
    }

    #[test]
    fn of_grpc_those_statuses_count_that_are_the_servers_fault() {
        let failures: Vec<u32> = (0..=17)
            .filter(|code| {
                let value: &'static str = code.to_string().leak();
                noted(Ok((200, Some(value)))).is_some_and(|(failed, _)| failed)
            })
            .collect();
        assert_eq!(failures, [2, 4, 8, 12, 13, 14, 15]);
        assert_eq!(noted(Ok((200, Some("x")))), Some((false, 1_500)));
        assert_eq!(noted(Ok((500, Some("0")))), Some((true, 1_500)));
    }

    #[test]
    fn a_caller_who_would_not_wait_says_nothing() {
        let timeout = |whose| Went::of(Err(Kind::Timeout), whose);
        assert_eq!(timeout(Whose::Callers), Went::Unsaid);
        assert_eq!(timeout(Whose::Ours), Went::Badly(Fault::Timeout));
        let connecting = Went::of(Err(Kind::ConnectTimeout), Whose::Callers);
        assert_eq!(connecting, Went::Badly(Fault::ConnectTimeout));
    }

    #[test]
    fn only_those_whom_their_bucket_put_there_are_noted() {
        let canary = canary();
        for reason in [
            Reason::Forced,
            Reason::Killed,
            Reason::Phase,
            Reason::Denied,
            Reason::Override,
            Reason::RolledBack,
            Reason::FlagOff,
            Reason::Method,
            Reason::Allowed,
            Reason::NoKey,
            Reason::Capped,
            Reason::Failover,
        ] {
            assert_eq!(
                canary.sample(by(reason), Went::Well, TOOK),
                None,
                "{reason}"
            );
        }
        let decided = by(Reason::Bucket);
        assert!(canary.sample(decided, Went::Well, TOOK).is_some());
        let hour = Duration::from_hours(2);
        let slow = canary.sample(decided, Went::Well, hour).unwrap();
        assert_eq!((slow.failed, slow.took), (false, SLOWEST));
    }

    #[test]
    fn what_the_file_does_not_count_is_no_failure_but_a_timeout_stays_slow() {
        let only = |answers, timeouts, connections| Failures {
            answers,
            timeouts,
            connections,
        };
        let faults = [
            Fault::Answer,
            Fault::Timeout,
            Fault::ConnectTimeout,
            Fault::Connection,
        ];
        for (failures, expected) in [
            (only(true, false, false), [true, false, false, false]),
            (only(false, true, false), [false, true, true, false]),
            (only(false, false, true), [false, false, true, true]),
            (only(false, false, false), [false; 4]),
        ] {
            assert_eq!(faults.map(|fault| failures.count(fault)), expected);
        }
        let canary = Canary {
            failures: only(true, false, true),
            ..canary()
        };
        let went = Went::Badly(Fault::Timeout);
        let sample = canary.sample(by(Reason::Bucket), went, TOOK).unwrap();
        assert_eq!((sample.failed, sample.took), (false, SLOWEST));
    }

    #[test]
    fn the_cap_counts_whom_their_bucket_sent_to_the_service() {
        let cap = |canary: Canary, decision| canary.cap(decision).map(NonZeroU32::get);
        assert_eq!(cap(canary(), by(Reason::Bucket)), Some(2));
        assert_eq!(cap(canary(), by(Reason::Allowed)), None);
        let on_legacy = by(Reason::Bucket).instead(Reason::Bucket);
        assert_eq!(cap(canary(), on_legacy), None);
        let usual = RolloutConfig::default();
        let uncapped = Canary::new(&usual, &JudgeConfig::default(), 1);
        assert_eq!(cap(uncapped, by(Reason::Bucket)), None);
    }

    #[test]
    fn legacy_steps_in_for_reads_of_the_canary_only() {
        let has_net = |canary: Canary, decision, method| {
            canary.has_net(decision, &method, &Empty::<&[u8]>::new())
        };
        let decision = by(Reason::Bucket);
        assert!(has_net(canary(), decision, Method::GET));
        assert!(has_net(canary(), decision, Method::HEAD));
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert!(!has_net(canary(), decision, method));
        }
        assert!(!canary().has_net(decision, &Method::GET, &Full::new(&b"body"[..])));
        for other in [Reason::Override, Reason::Allowed, Reason::Capped] {
            assert!(!has_net(canary(), by(other), Method::GET));
        }
        let without = Canary {
            failover: false,
            ..canary()
        };
        assert!(!has_net(without, decision, Method::GET));
    }

    #[test]
    fn legacy_steps_in_for_what_counts_as_failed() {
        let fields = HeaderMap::new();
        let status = |status| Ok((StatusCode::from_u16(status).unwrap(), &fields));
        for (came, expected) in [
            (status(200), false),
            (status(404), false),
            (status(500), true),
            (Err(Kind::Connect), true),
            (Err(Kind::ResetBeforeHead), true),
            (Err(Kind::Timeout), true),
            (Err(Kind::RequestBody), false),
        ] {
            assert_eq!(canary().falls(came), expected, "{came:?}");
        }
        let mut uncounted = canary();
        uncounted.failures.answers = false;
        assert!(!uncounted.falls(status(500)));
    }

    #[test]
    fn an_answer_that_breaks_off_has_failed_after_all() {
        use crate::judge::noted::Waiting;
        let notes = Rc::new(Notes::default());
        let route = Arc::new(RouteStats::new("orders", 1));
        let noted = |whose, why: Option<AnswerBodyError>| {
            let went = canary().sample(by(Reason::Bucket), Went::Well, TOOK);
            let mut so_far = SoFar::new(&notes, &route, &canary(), whose, went.unwrap());
            if let Some(why) = &why {
                so_far.broke_off(why);
            }
            drop(so_far);
            let waiting = Waiting::default();
            notes.hand_over(&waiting);
            let batches = waiting.take();
            let sample = batches.first().map(|batch| batch.samples[0]);
            sample.map(|sample| (sample.failed, sample.took))
        };
        for (whose, why, expected) in [
            (Whose::Ours, None, Some((false, 1_500))),
            (
                Whose::Ours,
                Some(AnswerBodyError::Timeout),
                Some((true, 1_500)),
            ),
            (
                Whose::Ours,
                Some(AnswerBodyError::Idle),
                Some((true, 1_500)),
            ),
            (
                Whose::Callers,
                Some(AnswerBodyError::Idle),
                Some((true, 1_500)),
            ),
            (Whose::Callers, Some(AnswerBodyError::Timeout), None),
        ] {
            let shown = format!("{whose:?} {why:?}");
            assert_eq!(noted(whose, why), expected, "{shown}");
        }
    }
}
