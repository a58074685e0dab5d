//! Kept connections of one core, by endpoint: the last one used is the first one used again.

use std::collections::HashMap;
use std::fmt;
use std::sync::Weak;
use std::time::Instant;

use hyper::client::conn::http1::SendRequest;

use crate::endpoint::Endpoint;

/// What a pool asks of a connection.
pub(super) trait Connection {
    /// It takes a request now.
    fn is_ready(&self) -> bool;
    /// It will never take one again.
    fn is_closed(&self) -> bool;
}

impl<B> Connection for SendRequest<B> {
    fn is_ready(&self) -> bool {
        Self::is_ready(self)
    }

    fn is_closed(&self) -> bool {
        Self::is_closed(self)
    }
}

/// Kept connections by endpoint.
pub(super) struct Pool<C> {
    kept: HashMap<u32, Kept<C>>,
}

struct Kept<C> {
    /// Gone when no snapshot names the endpoint any more.
    endpoint: Weak<Endpoint>,
    connections: Vec<(C, Instant)>,
}

impl<C> Default for Pool<C> {
    fn default() -> Self {
        Self {
            kept: HashMap::new(),
        }
    }
}

impl<C> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.kept
                    .iter()
                    .map(|(id, kept)| (id, kept.connections.len())),
            )
            .finish()
    }
}

impl<C: Connection> Pool<C> {
    /// The connection that was used last, if one is ready. Closed ones on the way are let go.
    pub(super) fn take(&mut self, endpoint: u32) -> Option<C> {
        let connections = &mut self.kept.get_mut(&endpoint)?.connections;
        let mut at = connections.len();
        while at > 0 {
            at -= 1;
            let connection = &connections[at].0;
            if connection.is_closed() {
                connections.remove(at);
            } else if connection.is_ready() {
                return Some(connections.remove(at).0);
            }
        }
        None
    }

    /// Keeps a connection until `expires`, unless `max` are kept already.
    pub(super) fn put(
        &mut self,
        id: u32,
        endpoint: Weak<Endpoint>,
        connection: C,
        expires: Instant,
        max: usize,
    ) {
        let kept = self.kept.entry(id).or_insert_with(|| Kept {
            endpoint,
            connections: Vec::new(),
        });
        if kept.connections.len() < max {
            kept.connections.push((connection, expires));
        }
    }

    /// Lets go of what has expired, was closed, or belongs to an endpoint that is gone.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.kept.retain(|_, kept| {
            kept.connections
                .retain(|(connection, expires)| now < *expires && !connection.is_closed());
            kept.endpoint.strong_count() > 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Place;
    use std::sync::Arc;
    use std::time::Duration;

    use chassis::clock::Clock;

    #[derive(Debug, PartialEq)]
    enum Fake {
        Ready(u8),
        Busy,
        Closed,
    }

    impl Connection for Fake {
        fn is_ready(&self) -> bool {
            matches!(self, Self::Ready(_))
        }

        fn is_closed(&self) -> bool {
            *self == Self::Closed
        }
    }

    fn endpoint() -> Arc<Endpoint> {
        Arc::new(Endpoint::new(Place::new("x", 80, "")).unwrap())
    }

    #[test]
    fn the_last_one_used_comes_first_and_closed_ones_never() {
        let (endpoint, now) = (endpoint(), Clock::system().now());
        let mut pool = Pool::default();
        for connection in [Fake::Ready(1), Fake::Ready(2), Fake::Busy, Fake::Closed] {
            pool.put(7, Arc::downgrade(&endpoint), connection, now, 8);
        }
        assert_eq!(pool.take(7), Some(Fake::Ready(2)));
        assert_eq!(pool.take(7), Some(Fake::Ready(1)));
        assert_eq!(pool.take(7), None);
        assert_eq!(pool.take(8), None);
    }

    #[test]
    fn no_more_than_the_maximum_is_kept_and_not_for_longer_than_agreed() {
        let (endpoint, now) = (endpoint(), Clock::system().now());
        let mut pool = Pool::default();
        for n in 0..3_u8 {
            let expires = now + Duration::from_secs(u64::from(n));
            pool.put(7, Arc::downgrade(&endpoint), Fake::Ready(n), expires, 2);
        }
        pool.sweep(now + Duration::from_millis(500));
        assert_eq!(pool.take(7), Some(Fake::Ready(1)));
        assert_eq!(pool.take(7), None);
    }

    #[test]
    fn connections_go_with_their_endpoint() {
        let (endpoint, now) = (endpoint(), Clock::system().now());
        let mut pool = Pool::default();
        pool.put(
            7,
            Arc::downgrade(&endpoint),
            Fake::Ready(1),
            now + Duration::from_secs(9),
            2,
        );
        drop(endpoint);
        pool.sweep(now);
        assert!(pool.kept.is_empty());
    }
}
