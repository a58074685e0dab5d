//! A part of a screen, as it is declared: what it needs, what it asks, how long it may take, what stands in for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::ask::Ask;
use crate::cache::AnyValue;
use crate::call::Call;
use crate::loaded::{Identified, Loaded};
use crate::need::Need;
use crate::slot::{Needs, Slot, Typed};
use crate::work::{BatchWork, CallWork, Work};

/// A part gets this long when it does not say.
const TIMEOUT: Duration = Duration::from_millis(500);

/// A part that is being declared: its name is known, what it asks is not yet.
#[derive(Debug)]
pub struct Declared<T, D> {
    slot: Slot<T>,
    needs: D,
}

type Wanted<P> = Box<dyn Fn(&Ask<P>) -> bool + Send + Sync>;
type StandIn<P> = Box<dyn Fn(&Ask<P>) -> AnyValue + Send + Sync>;

/// A part of screens with parameters `P`.
///
/// It is optional, and gets half a second, until it says otherwise.
pub struct Part<P> {
    pub(crate) brings: Typed,
    pub(crate) needs: Vec<Typed>,
    pub(crate) need: Need,
    pub(crate) timeout: Duration,
    pub(crate) wanted: Option<Wanted<P>>,
    pub(crate) stand_in: Option<StandIn<P>>,
    pub(crate) work: Box<dyn Work<P>>,
}

impl<P> fmt::Debug for Part<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("name", &self.brings.name)
            .field("need", &self.need)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static> Declared<T, ()> {
    /// The part that fills `slot`.
    pub fn new(slot: Slot<T>) -> Self {
        Self { slot, needs: () }
    }

    /// It begins when these parts have brought something, and is given that. When one of them is lost, so is this one.
    pub fn after<D: Needs>(self, needs: D) -> Declared<T, D> {
        Declared {
            slot: self.slot,
            needs,
        }
    }
}

impl<T: Send + Sync + 'static, D: Needs> Declared<T, D> {
    /// It makes one call.
    pub fn call<P, F>(self, ask: F) -> Part<P>
    where
        P: Send + Sync + 'static,
        F: Fn(&Ask<P>, D::Given) -> Call<T> + Send + Sync + 'static,
    {
        let work = CallWork {
            needs: self.needs,
            ask,
        };
        Part::new(Typed::of(self.slot), self.needs.typed(), Box::new(work))
    }
}

impl<V, D> Declared<Loaded<V>, D>
where
    V: Identified + Clone + Send + Sync + 'static,
    D: Needs,
{
    /// It loads many things by their ids: each id once, at most 100 in a call, the calls at the same time.
    pub fn batch<P, I, F>(self, ids: I, ask: F) -> Part<P>
    where
        P: Send + Sync + 'static,
        I: Fn(&Ask<P>, D::Given) -> Vec<V::Id> + Send + Sync + 'static,
        F: Fn(&[V::Id]) -> Call<Vec<V>> + Send + Sync + 'static,
    {
        let work = BatchWork {
            needs: self.needs,
            ids,
            ask,
            brings: std::marker::PhantomData,
        };
        Part::new(Typed::of(self.slot), self.needs.typed(), Box::new(work))
    }
}

impl<P> Part<P> {
    fn new(brings: Typed, needs: Vec<Typed>, work: Box<dyn Work<P>>) -> Self {
        Self {
            brings,
            needs,
            need: Need::Optional,
            timeout: TIMEOUT,
            wanted: None,
            stand_in: None,
            work,
        }
    }

    /// Without it there is no screen.
    #[must_use]
    pub fn required(self) -> Self {
        Self {
            need: Need::Required,
            ..self
        }
    }

    /// It may take this long, or as long as is left.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// It is asked for only when this says so; else it is not part of the screen, and nothing is missing.
    #[must_use]
    pub fn when(self, wanted: impl Fn(&Ask<P>) -> bool + Send + Sync + 'static) -> Self {
        Self {
            wanted: Some(Box::new(wanted)),
            ..self
        }
    }

    /// What stands in for it when it is lost. `slot` is its own.
    #[must_use]
    pub fn or_else<T: Send + Sync + 'static>(
        self,
        slot: Slot<T>,
        value: impl Fn(&Ask<P>) -> T + Send + Sync + 'static,
    ) -> Self {
        debug_assert_eq!(
            Typed::of(slot),
            self.brings,
            "a stand-in is of the part's type"
        );
        Self {
            stand_in: Some(Box::new(move |ask| Arc::new(value(ask)))),
            ..self
        }
    }
}
