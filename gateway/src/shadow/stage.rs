//! On the request's way: whether it is copied, and what is kept of it and of its answer while they pass.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body::Body;
use strangler::Decision;

use super::compiled::Copying;
use super::job::{Answered, Asked, Job};
use super::state::{Dropped, Pairs};
use crate::forward::tap::{Full, Held, Tap};
use crate::forward::upgrade::wish;

/// What the two heads of a pair count as: their fields keep the buffers that they were read into.
const HEADS: usize = 16 * 1024;

/// A route's copies: what is written of them, and what is alive.
#[derive(Clone, Debug)]
pub struct Shadow {
    /// What is copied.
    pub copying: Arc<Copying>,
    /// What comes of it.
    pub pairs: Arc<Pairs>,
}

/// One request that is copied, on its way.
#[derive(Debug)]
pub struct Capture {
    shadow: Shadow,
    asked: Option<Asked>,
    /// The request's body, where it has one.
    body: Option<Rc<RefCell<Tap>>>,
    answered: Option<(StatusCode, HeaderMap)>,
    answer: Tap,
    held: Held,
}

impl Shadow {
    /// Whether a request is copied. What is not of the sample costs one hash at most; of the rest, what cannot be copied
    /// is counted.
    pub fn takes<B>(&self, decision: Decision, key: Option<&str>, request: &Request<B>) -> bool {
        let copying = &self.copying;
        if !copying.wants(decision) || !copying.samples(key) {
            return false;
        }
        let hindrance = if wish(request.headers()).is_some() {
            Some(Dropped::Stream)
        } else {
            (!copying.takes(request.method())).then_some(Dropped::Method)
        };
        if let Some(dropped) = hindrance {
            self.pairs.dropped(dropped);
        }
        hindrance.is_none()
    }

    /// Starts to keep a request that is about to be sent, its body empty as yet.
    pub fn capture<B: Body>(
        &self,
        (head, body): (&Request<()>, &B),
        (given, path): (&PathAndQuery, &str),
        scheme: &'static str,
    ) -> Option<Box<Capture>> {
        let memory = self.pairs.memory();
        let mut held = Held::of(memory);
        let max = self.copying.config.max_body;
        let declared = body.size_hint().lower();
        if declared > max as u64 {
            self.pairs.dropped(Dropped::BodyTooLarge);
            return None;
        }
        if !held.more(HEADS) {
            self.pairs.dropped(Dropped::Memory);
            return None;
        }
        let has_body = !body.is_end_stream();
        let asked = Asked {
            method: head.method().clone(),
            given: given.clone(),
            path: (path != given.path()).then(|| path.into()),
            fields: head.headers().clone(),
            scheme,
        };
        Some(Box::new(Capture {
            asked: Some(asked),
            body: has_body.then(|| Rc::new(RefCell::new(Tap::new(max, memory)))),
            answered: None,
            answer: Tap::new(self.copying.config.max_response, memory),
            held,
            shadow: self.clone(),
        }))
    }
}

impl Capture {
    /// Where the request's body is to be kept while it passes.
    pub fn body(&self) -> Option<Rc<RefCell<Tap>>> {
        self.body.clone()
    }

    /// The answer's head has come. Gives itself back if the answer is one that can be kept.
    pub fn answered<B: Body>(mut self: Box<Self>, response: &Response<B>) -> Option<Box<Self>> {
        let fields = response.headers();
        let (status, config) = (response.status(), &self.shadow.copying.config);
        let declared = response.body().size_hint().lower();
        let hindrance = if status == StatusCode::SWITCHING_PROTOCOLS || is_event_stream(fields) {
            Some(Dropped::Stream)
        } else if config.compare && is_partial(status) {
            Some(Dropped::Partial)
        } else if config.compare && declared > config.max_response as u64 {
            Some(Dropped::ResponseTooLarge)
        } else {
            None
        };
        if let Some(dropped) = hindrance {
            self.give_up(dropped);
            return None;
        }
        self.answered = Some((status, read_by(fields, &config.rules.headers)));
        Some(self)
    }

    /// A piece of the answer passes.
    pub fn saw(&mut self, piece: &Bytes) {
        if self.shadow.copying.config.compare {
            self.answer.saw(piece);
        }
    }

    /// The answer has passed; `whole` says whether to its end. What is complete is handed over.
    pub fn end(mut self: Box<Self>, whole: bool) {
        let (Some(asked), Some((status, fields))) = (self.asked.take(), self.answered.take())
        else {
            return;
        };
        if whole {
            self.answer.ended();
        }
        let memory = Arc::clone(self.shadow.pairs.memory());
        let closed = || Tap::closed(&memory);
        // Whoever reads the body has it as long as the request is under way, so it may still be borrowed nowhere.
        let body = self
            .body
            .take()
            .map_or_else(closed, |body| body.replace(closed()));
        let answer = std::mem::replace(&mut self.answer, closed());
        let dropped = match (body.full(), answer.full()) {
            (Some(Full::Memory), _) | (_, Some(Full::Memory)) => Some(Dropped::Memory),
            (Some(Full::Length), _) => Some(Dropped::BodyTooLarge),
            (_, Some(Full::Length)) => Some(Dropped::ResponseTooLarge),
            (None, None) => (!body.is_whole() || !answer.is_whole()).then_some(Dropped::Incomplete),
        };
        let pairs = Arc::clone(&self.shadow.pairs);
        if let Some(dropped) = dropped {
            return pairs.dropped(dropped);
        }
        pairs.send(Job {
            copying: Arc::clone(&self.shadow.copying),
            asked,
            body,
            answered: Answered {
                status,
                fields,
                body: answer,
            },
            held: std::mem::replace(&mut self.held, Held::of(&memory)),
        });
    }

    fn give_up(&mut self, dropped: Dropped) {
        self.asked = None;
        self.shadow.pairs.dropped(dropped);
    }
}

/// A request without an answer, or whose answer never came to its end, was no pair.
impl Drop for Capture {
    fn drop(&mut self) {
        if self.asked.take().is_some() {
            self.shadow.pairs.dropped(Dropped::Incomplete);
        }
    }
}

/// A stream has no end to be compared at.
fn is_event_stream(fields: &HeaderMap) -> bool {
    fields
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

/// Answers that lean on what the client has already, which is one side's.
fn is_partial(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT
    )
}

/// The fields by which an answer is read and compared.
pub(super) fn read_by(fields: &HeaderMap, compared: &[String]) -> HeaderMap {
    let always = [CONTENT_TYPE, CONTENT_ENCODING];
    let compared = compared
        .iter()
        .filter(|name| always.iter().all(|other| other != name.as_str()));
    let names = always
        .iter()
        .map(HeaderName::as_str)
        .chain(compared.map(String::as_str));
    let mut kept = HeaderMap::new();
    for name in names {
        for value in fields.get_all(name) {
            if let Ok(name) = HeaderName::try_from(name) {
                kept.append(name, value.clone());
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests;
