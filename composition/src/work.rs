//! What a part does once its inputs are there: one call, or a batch of them.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};

use crate::ask::Ask;
use crate::cache::AnyValue;
use crate::call::Call;
use crate::cohort::Side;
use crate::engine::{Engine, Got, How};
use crate::loaded::{CHUNK, Identified, Wanted, join};
use crate::lost::Lost;
use crate::reason::Reason;
use crate::slot::{Needs, Values};

/// What a part brought.
#[derive(Debug)]
pub(crate) struct Brought {
    pub(crate) value: AnyValue,
    /// How old, if it was kept.
    pub(crate) age: Option<Duration>,
    /// Why nothing younger could be had, if it is too old.
    pub(crate) stale: Option<Reason>,
    pub(crate) side: Option<Side>,
    /// Of a batch that lost some: how many ids something was heard of, of how many, and why not of the others.
    pub(crate) gap: Option<(usize, usize, Reason)>,
}

/// What a part does.
pub(crate) trait Work<P>: Send + Sync {
    /// Begins. `None` when an input is missing.
    fn begin<'a>(
        &'a self,
        engine: &'a Arc<Engine>,
        ask: &Ask<P>,
        how: How<'a>,
        values: &Values<'_>,
    ) -> Option<BoxFuture<'a, Result<Brought, Lost>>>;
}

pub(crate) struct CallWork<D, F> {
    pub(crate) needs: D,
    pub(crate) ask: F,
}

impl<P, T, D, F> Work<P> for CallWork<D, F>
where
    T: Send + Sync + 'static,
    D: Needs,
    F: Fn(&Ask<P>, D::Given) -> Call<T> + Send + Sync,
{
    fn begin<'a>(
        &'a self,
        engine: &'a Arc<Engine>,
        ask: &Ask<P>,
        how: How<'a>,
        values: &Values<'_>,
    ) -> Option<BoxFuture<'a, Result<Brought, Lost>>> {
        let call = (self.ask)(ask, self.needs.gather(values)?);
        Some(Box::pin(async move {
            engine.fetch(&call, how).await.map(Brought::from)
        }))
    }
}

impl<T: Send + Sync + 'static> From<Got<T>> for Brought {
    fn from(got: Got<T>) -> Self {
        Self {
            value: got.value,
            age: got.age,
            stale: got.stale,
            side: got.side,
            gap: None,
        }
    }
}

pub(crate) struct BatchWork<V, D, I, F> {
    pub(crate) needs: D,
    pub(crate) ids: I,
    pub(crate) ask: F,
    pub(crate) brings: PhantomData<fn() -> V>,
}

impl<P, V, D, I, F> Work<P> for BatchWork<V, D, I, F>
where
    V: Identified + Clone + Send + Sync + 'static,
    D: Needs,
    I: Fn(&Ask<P>, D::Given) -> Vec<V::Id> + Send + Sync,
    F: Fn(&[V::Id]) -> Call<Vec<V>> + Send + Sync,
{
    fn begin<'a>(
        &'a self,
        engine: &'a Arc<Engine>,
        ask: &Ask<P>,
        how: How<'a>,
        values: &Values<'_>,
    ) -> Option<BoxFuture<'a, Result<Brought, Lost>>> {
        let wanted = Wanted::new((self.ids)(ask, self.needs.gather(values)?));
        Some(Box::pin(async move {
            let chunks = wanted.distinct.chunks(CHUNK).map(|ids| async move {
                let call = (self.ask)(ids);
                (ids.len(), engine.fetch(&call, how).await)
            });
            let chunks = join_all(chunks).await;
            loaded(wanted, chunks)
        }))
    }
}

/// How many ids a call was for, and what came of it.
type Chunk<V> = (usize, Result<Got<Vec<V>>, Lost>);

/// Some chunks may be lost; when all are, so is the part.
fn loaded<V: Identified + Clone + Send + Sync + 'static>(
    wanted: Wanted<V::Id>,
    chunks: Vec<Chunk<V>>,
) -> Result<Brought, Lost> {
    let (mut age, mut stale, mut side) = (None, None, None);
    let mut first_lost = None;
    let mut brought = Vec::with_capacity(chunks.len());
    for (length, chunk) in chunks {
        match chunk {
            Ok(got) => {
                age = age.max(got.age);
                stale = stale.or(got.stale);
                side = side.or(got.side);
                brought.push((length, Some(got.value)));
            }
            Err(lost) => {
                first_lost.get_or_insert(lost);
                brought.push((length, None));
            }
        }
    }
    if let Some(lost) = &first_lost
        && brought.iter().all(|(_, items)| items.is_none())
    {
        return Err(lost.clone());
    }
    let loaded = join(wanted, brought);
    Ok(Brought {
        age,
        stale,
        side,
        gap: first_lost.map(|lost| (loaded.got, loaded.of, lost.reason)),
        value: Arc::new(loaded),
    })
}
