//! Which endpoint gets the next request: as written, and a file for each way.

pub(crate) mod slots;
pub(crate) mod p2c;
pub(crate) mod turns;
pub(crate) mod least;
pub(crate) mod ring;

use std::sync::Arc;

use http::HeaderName;

use crate::endpoint::Endpoint;

/// As written: `balance` of `[upstream.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// The less busy and faster of two drawn at random.
    #[default]
    PowerOfTwo,
    /// One after the other.
    RoundRobin,
    /// Any.
    Random,
    /// The one with the fewest requests in flight.
    LeastRequest,
    /// Always the same for the same caller, as long as it is there.
    Hash(HashBy),
}

/// What tells callers apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashBy {
    /// The verified user.
    User,
    /// A field of the request.
    Header(HeaderName),
    /// A cookie of the request.
    Cookie(String),
    /// The client's address.
    Ip,
}

/// The key of a caller whom `text` tells apart: the same in every process and release.
pub fn key(text: &[u8]) -> u64 {
    ring::position(text)
}

/// Draws two endpoints and picks the one with fewer requests in flight. `dice(n)` gives a number below `n`.
///
/// `except` is left out while there is another. `None` only when there are no endpoints at all.
pub fn pick<'a>(
    endpoints: &'a [Arc<Endpoint>],
    except: Option<&Endpoint>,
    mut dice: impl FnMut(usize) -> usize,
) -> Option<&'a Arc<Endpoint>> {
    match endpoints {
        [] => None,
        [only] => Some(only),
        _ => {
            let first = draw(endpoints, except.map(Endpoint::id), &mut dice);
            let second = draw(endpoints, except.map(Endpoint::id), &mut dice);
            Some(if second.in_flight() < first.in_flight() {
                second
            } else {
                first
            })
        }
    }
}

fn draw<'a>(
    endpoints: &'a [Arc<Endpoint>],
    except: Option<u32>,
    dice: &mut impl FnMut(usize) -> usize,
) -> &'a Arc<Endpoint> {
    let at = dice(endpoints.len());
    let drawn = &endpoints[at];
    if Some(drawn.id()) == except {
        &endpoints[(at + 1) % endpoints.len()]
    } else {
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::InFlight;
    use crate::endpoint::Place;

    fn endpoints(count: u16) -> Vec<Arc<Endpoint>> {
        (0..count)
            .map(|n| Arc::new(Endpoint::new(Place::new("x", 1000 + n, "")).unwrap()))
            .collect()
    }

    #[test]
    fn the_less_busy_of_the_two_drawn_is_picked() {
        let all = endpoints(3);
        let _busy = InFlight::at(&all[0]);
        for draws in [[0, 1], [1, 0]] {
            let mut draws = draws.into_iter();
            let picked = pick(&all, None, |_| draws.next().unwrap()).unwrap();
            assert_eq!(picked.place().port, 1001);
        }
    }

    #[test]
    fn the_one_that_just_failed_is_left_out_while_there_is_another() {
        let all = endpoints(2);
        for draw in 0..2 {
            assert_eq!(
                pick(&all, Some(&all[0]), |_| draw).unwrap().place().port,
                1001
            );
        }
        let only = endpoints(1);
        assert!(pick(&only, Some(&only[0]), |_| 0).is_some());
        assert!(pick(&[], None, |_| 0).is_none());
    }

    #[test]
    fn requests_spread_over_all_endpoints() {
        let all = endpoints(4);
        let mut dice = fastrand::Rng::with_seed(7);
        let mut held = Vec::new();
        for _ in 0..400 {
            held.push(InFlight::at(pick(&all, None, |n| dice.usize(..n)).unwrap()));
        }
        assert!(
            all.iter()
                .all(|endpoint| (95..=105).contains(&endpoint.in_flight())),
            "{all:?}"
        );
    }
}
