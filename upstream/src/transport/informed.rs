//! What a backend says before its answer.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};

type Told = dyn Fn(StatusCode, &HeaderMap) + Send + Sync;

/// Is told of interim answers (100, 103 and the like, never 101), where it is among the extensions of a lent head.
///
/// It is told on the connection's task, before the answer's head arrives, so it may not wait. Each try tells again. A
/// transport that cannot hear of interim answers leaves them out.
#[derive(Clone)]
pub struct Informed(Arc<Told>);

impl Informed {
    /// `told` hears of each interim answer.
    pub fn new(told: impl Fn(StatusCode, &HeaderMap) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    pub(super) fn tell(&self, status: StatusCode, fields: &HeaderMap) {
        (self.0)(status, fields);
    }
}

impl fmt::Debug for Informed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Informed")
    }
}
