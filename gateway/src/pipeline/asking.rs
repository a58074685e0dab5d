//! Asks the side that was chosen, and notes how it did.

use upstream::transport::hyper_h1::PooledBody;
use upstream::{Answered, CallError};

use super::{Found, Passage, returning};
use crate::forward::body::RequestBody;
use crate::forward::stage::{Forwarding, forward};
use crate::judge::stage::{Went, Whose};
use crate::route::compiled::Route;
use http::Request;

/// A side's answer.
pub(super) type Answer = Answered<PooledBody<RequestBody>>;

/// What an answer must fit to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Whose time runs out at the deadline.
    pub(super) whose: Whose,
    /// The client would switch to another protocol.
    pub(super) may_switch: bool,
}

impl Passage<'_> {
    /// Sends the request, and waits for the head of an answer that can be handed on.
    pub(super) async fn ask(
        &self,
        how: &Forwarding<'_>,
        request: Request<RequestBody>,
        terms: Terms,
        found: &mut Found<'_>,
    ) -> Result<Answer, CallError> {
        let asked_at = self.core.clock().now();
        let result = forward(&self.core.transport, how, request).await;
        let took = self.core.clock().now().saturating_duration_since(asked_at);
        returning::record(&mut found.record, &result, took);
        let result = result.and_then(|answer| returning::sound(answer, terms.may_switch));
        if let (Some(canary), Some(decision)) =
            (found.route.and_then(Route::canary), found.record.decision)
        {
            let came = match &result {
                Ok(answer) => Ok((answer.response.status(), answer.response.headers())),
                Err(error) => Err(error.kind),
            };
            let went = Went::of(came, terms.whose);
            if let Some(sample) = canary.sample(decision, went, took) {
                let judged = &self.core.judged;
                judged.note(&found.record.stats, canary.step, sample);
            }
        }
        result
    }
}
