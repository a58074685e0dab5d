//! The typed name of a part, and what parts have brought so far.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::cache::AnyValue;

/// The name of a part that brings a `T`. Made once, as a constant, and used wherever the part is meant.
///
/// ```
/// use composition::Slot;
/// struct Order;
/// const ORDER: Slot<Order> = Slot::named("order");
/// assert_eq!(ORDER.name(), "order");
/// ```
pub struct Slot<T> {
    name: &'static str,
    brings: PhantomData<fn() -> T>,
}

impl<T> Slot<T> {
    /// A name: what markers, metrics and the answer call the part.
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            brings: PhantomData,
        }
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Slot<T> {}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({})", self.name)
    }
}

/// A name with the type that it must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typed {
    pub(crate) name: &'static str,
    pub(crate) kind: TypeId,
}

impl Typed {
    pub(crate) fn of<T: 'static>(slot: Slot<T>) -> Self {
        Self {
            name: slot.name,
            kind: TypeId::of::<T>(),
        }
    }
}

/// Values by name.
#[derive(Debug)]
pub struct Values<'a> {
    pub(crate) names: &'a [&'static str],
    pub(crate) values: &'a [Option<AnyValue>],
}

impl Values<'_> {
    pub(crate) fn get<T: Send + Sync + 'static>(&self, slot: Slot<T>) -> Option<Arc<T>> {
        let at = self.names.iter().position(|name| *name == slot.name)?;
        Arc::clone(self.values.get(at)?.as_ref()?).downcast().ok()
    }
}

/// What a part needs before it can begin: nothing, one slot, or several.
pub trait Needs: Copy + Send + Sync + 'static {
    /// What the part is then given.
    type Given;

    /// The names.
    fn typed(self) -> Vec<Typed>;

    /// The values; `None` while one is missing.
    fn gather(self, values: &Values<'_>) -> Option<Self::Given>;
}

impl Needs for () {
    type Given = ();

    fn typed(self) -> Vec<Typed> {
        Vec::new()
    }

    fn gather(self, _: &Values<'_>) -> Option<()> {
        Some(())
    }
}

impl<A: Send + Sync + 'static> Needs for Slot<A> {
    type Given = Arc<A>;

    fn typed(self) -> Vec<Typed> {
        vec![Typed::of(self)]
    }

    fn gather(self, values: &Values<'_>) -> Option<Arc<A>> {
        values.get(self)
    }
}

impl<A, B> Needs for (Slot<A>, Slot<B>)
where
    A: Send + Sync + 'static,
    B: Send + Sync + 'static,
{
    type Given = (Arc<A>, Arc<B>);

    fn typed(self) -> Vec<Typed> {
        vec![Typed::of(self.0), Typed::of(self.1)]
    }

    fn gather(self, values: &Values<'_>) -> Option<Self::Given> {
        Some((values.get(self.0)?, values.get(self.1)?))
    }
}
