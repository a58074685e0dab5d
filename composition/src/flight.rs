//! Calls under way that several wait for. Each runs in a task of its own, so that nobody's leaving ends it for the
//! others.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::tasks::Tasks;
use tokio::sync::watch;

use crate::cache::{Key, Stored};
use crate::inbound::CallerId;
use crate::known::{Company, Moment};
use crate::lost::Lost;
use crate::need::Need;

/// How a shared call came out.
#[derive(Clone, Debug)]
pub(crate) struct Landed {
    pub(crate) result: Result<Stored, Lost>,
    /// In whose name it was made.
    pub(crate) leader: CallerId,
}

/// A call under way. `None` until it has landed.
pub(crate) type Flight = watch::Receiver<Option<Landed>>;

/// Calls are joined when they are for the same thing while routes have led alike all the time, and when those who wait
/// would give each other the same time and the same right to a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Joint {
    pub(crate) key: Key,
    pub(crate) company: Company,
    pub(crate) moment: Moment,
    pub(crate) need: Need,
    pub(crate) timeout: Duration,
}

/// The calls under way in one process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flights {
    under_way: Arc<Mutex<HashMap<Joint, Flight>>>,
}

/// Whether a call was there to join, or is made for this caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    Leading,
    Waiting,
    /// There is nobody to join.
    Nobody,
}

impl Flights {
    /// Joins the call under way, or makes it: `call` runs to its end whoever still waits.
    pub(crate) fn join<F>(
        &self,
        joint: Joint,
        tasks: &Tasks,
        call: impl FnOnce() -> F,
    ) -> (Flight, Joined)
    where
        F: Future<Output = Landed> + Send + 'static,
    {
        let mut under_way = self.lock();
        if let Some(flight) = under_way.get(&joint) {
            return (flight.clone(), Joined::Waiting);
        }
        let (landed, flight) = watch::channel(None);
        under_way.insert(joint.clone(), flight.clone());
        drop(under_way);
        // Dropped when the call has landed, and when it panics: then the next one makes a new call.
        let listed = Listed {
            flights: self.clone(),
            joint,
        };
        let call = call();
        tasks.spawn("shared call", async move {
            let listed = listed;
            let result = call.await;
            drop(listed);
            landed.send_replace(Some(result));
        });
        (flight, Joined::Leading)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Joint, Flight>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a call listed for as long as it is under way.
struct Listed {
    flights: Flights,
    joint: Joint,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.joint);
    }
}
