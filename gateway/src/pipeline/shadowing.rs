//! What is kept of a request and its answer while they pass, for the copy that goes to the other side.

use http::uri::PathAndQuery;
use http::{Request, Response};

use super::{Found, Passage};
use crate::forward::body::RequestBody;
use crate::reply::ReplyBody;
use crate::route::compiled::Route;
use crate::shadow::stage::{Capture, Shadow};

impl Passage<'_> {
    /// How a request is copied, if it is.
    pub(super) fn copied<'r, B>(
        route: &'r Route,
        request: &Request<B>,
        key: Option<&str>,
        found: &Found<'_>,
    ) -> Option<&'r Shadow> {
        let shadow = route.shadow()?;
        let decision = found.record.decision?;
        shadow.takes(decision, key, request).then_some(shadow)
    }

    /// Starts to keep a request that is about to be sent.
    pub(super) fn capture(
        &self,
        shadow: Option<&Shadow>,
        (head, body): (&Request<()>, &RequestBody),
        target: (&PathAndQuery, &str),
    ) -> Option<Box<Capture>> {
        let capture = shadow?.capture((head, body), target, self.client.scheme())?;
        if let Some(tap) = capture.body() {
            body.keep_in(tap);
        }
        Some(capture)
    }
}

/// Keeps the answer as well, while it passes.
pub(super) fn keep(
    mut answer: Response<ReplyBody>,
    capture: Option<Box<Capture>>,
) -> Response<ReplyBody> {
    if let Some(capture) = capture.and_then(|capture| capture.answered(&answer)) {
        answer.body_mut().copied(capture);
    }
    answer
}
