//! A ring of hashes on which each endpoint has points (Karger 1997): a caller belongs to the endpoint of the next point,
//! and who comes or goes moves only its own callers. It is made of addresses and weights alone, so that all gateways
//! with the same endpoints have the same one.

use xxhash_rust::xxh64::xxh64;

use crate::endpoint::Place;

/// The endpoint with the greatest weight has so many points, or up to twice as many.
const POINTS: u64 = 128;

/// Where on the ring something stands.
pub(super) fn position(text: &[u8]) -> u64 {
    xxh64(text, 0)
}

/// Points and whose they are, by number.
#[derive(Debug)]
pub(crate) struct Ring(Box<[(u64, usize)]>);

impl Ring {
    /// Of these places with their weights, numbered as they come.
    pub(crate) fn new<'a>(places: impl Iterator<Item = (&'a Place, u32)> + Clone) -> Self {
        let greatest = places.clone().map(|(_, weight)| weight).max();
        // Only a weight of another magnitude changes how many points the others have.
        let halvings = greatest.and_then(u32::checked_ilog2).unwrap_or(0);
        let mut points = Vec::new();
        for (number, (place, weight)) in places.enumerate() {
            let name = name(place);
            let count = ((u64::from(weight) * POINTS) >> halvings).max(1);
            points.extend((0..count).map(|nth| (xxh64(name.as_bytes(), nth), number)));
        }
        points.sort_unstable();
        Self(points.into_boxed_slice())
    }

    /// Whose the next points from `key` on are, once around.
    pub(crate) fn from(&self, key: u64) -> impl Iterator<Item = usize> {
        let next = self.0.partition_point(|(point, _)| *point < key);
        let (before, after) = self.0.split_at(next);
        after.iter().chain(before).map(|(_, number)| *number)
    }
}

fn name(place: &Place) -> String {
    let Place {
        host,
        port,
        base_path,
        address,
    } = place;
    match address {
        Some(address) => format!("{address}|{port}|{base_path}"),
        None => format!("{host}|{port}|{base_path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(count: u8) -> Vec<(Place, u32)> {
        let place = |n| (Place::new(&format!("10.0.0.{n}"), 80, ""), 1);
        (0..count).map(place).collect()
    }

    fn ring(places: &[(Place, u32)]) -> Ring {
        Ring::new(places.iter().map(|(place, weight)| (place, *weight)))
    }

    fn owners(ring: &Ring) -> Vec<usize> {
        let owner = |n: u32| ring.from(position(&n.to_le_bytes())).next().unwrap();
        (0..20_000).map(owner).collect()
    }

    #[test]
    fn one_more_of_ten_moves_a_tenth_and_only_to_itself() {
        let (nine, ten) = (owners(&ring(&places(9))), owners(&ring(&places(10))));
        let moved: Vec<usize> = std::iter::zip(&nine, &ten)
            .filter(|(before, after)| before != after)
            .map(|(_, after)| *after)
            .collect();
        assert!(moved.iter().all(|owner| *owner == 9));
        assert!((1500..=2500).contains(&moved.len()), "{}", moved.len());
    }

    #[test]
    fn points_are_weights() {
        let mut two = places(2);
        two[1].1 = 3;
        let owners = owners(&ring(&two));
        let heavy = owners.iter().filter(|owner| **owner == 1).count();
        assert!((14_000..=16_000).contains(&heavy), "{heavy}");
    }

    #[test]
    fn the_ring_is_the_same_in_every_process_and_order() {
        let three = places(3);
        let turned: Vec<_> = three.iter().rev().cloned().collect();
        let turned = owners(&ring(&turned));
        for (one, other) in std::iter::zip(owners(&ring(&three)), &turned) {
            assert_eq!(one, 2 - other);
        }
        // Written down once: another figure means that a release would send callers elsewhere.
        let first: Vec<usize> = owners(&ring(&three)).into_iter().take(12).collect();
        assert_eq!(first, [2, 1, 1, 2, 2, 2, 2, 2, 2, 2, 0, 0]);
    }

    #[test]
    fn all_are_met_once_around() {
        let ring = ring(&places(4));
        let mut met: Vec<usize> = ring.from(u64::MAX).collect();
        assert_eq!(met.len(), 4 * 128);
        met.sort_unstable();
        met.dedup();
        assert_eq!(met, [0, 1, 2, 3]);
    }
}
