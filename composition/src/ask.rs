//! What a part may look at besides its inputs.

use std::sync::Arc;

use crate::inbound::Inbound;

/// What a screen is asked for: its parameters, and what the request brought besides.
#[derive(Debug)]
pub struct Ask<P> {
    /// The screen's own parameters.
    pub params: P,
    /// Who asks, and how long they wait.
    pub inbound: Arc<Inbound>,
}

impl<P> std::ops::Deref for Ask<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.params
    }
}
