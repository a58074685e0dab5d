//! One core's notes of how the sides of canaries did, handed over once a second. A note is one look into a small map and
//! a few bytes at the end of a list; nothing is shared until it is handed over.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use ahash::AHashMap;
use fastrand::Rng;
use strangler::Side;

use crate::metrics::stats::RouteStats;

/// So many samples a second of one core are kept, of all routes together.
const PER_SECOND: usize = 65_536;

/// So many samples wait to be taken; whoever takes them comes every second.
const WAITING: usize = 32 * PER_SECOND;

/// Longer than can be told, or an answer that never came: slow, whatever slow is.
pub const SLOWEST: u32 = u32::MAX;

/// How one request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Tells callers apart.
    pub hash: u32,
    /// From forwarding the head to the head of the answer, microseconds.
    pub took: u32,
    /// Who was asked.
    pub side: Side,
    /// It failed.
    pub failed: bool,
}

/// Samples of one step of one route's canary.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The route.
    pub route: Arc<RouteStats>,
    /// The step in which they were decided.
    pub step: u32,
    /// In no order.
    pub samples: Vec<Sample>,
}

/// One core's notes.
#[derive(Debug, Default)]
pub struct Notes(RefCell<Open>);

/// All cores' notes that wait to be taken.
#[derive(Debug, Default)]
pub struct Waiting(Mutex<Heap>);

#[derive(Debug, Default)]
struct Open {
    known: AHashMap<(usize, u32), u32>,
    sheet: Sheet,
    seen: usize,
    dice: Rng,
}

/// Samples of several canaries, each with the place of its canary in the list of them.
#[derive(Debug, Default)]
struct Sheet {
    canaries: Vec<(Arc<RouteStats>, u32)>,
    samples: Vec<(u32, Sample)>,
}

#[derive(Debug, Default)]
struct Heap {
    sheets: Vec<Sheet>,
    samples: usize,
}

impl Notes {
    /// A request of `route`, decided in `step`, went so.
    pub fn note(&self, route: &Arc<RouteStats>, step: u32, sample: Sample) {
        let open = &mut *self.0.borrow_mut();
        let key = (Arc::as_ptr(route).addr(), step);
        let canary = *open.known.entry(key).or_insert_with(|| {
            open.sheet.canaries.push((Arc::clone(route), step));
            // Far fewer than so many: each is a route of the file.
            u32::try_from(open.sheet.canaries.len() - 1).unwrap_or(u32::MAX)
        });
        open.keep((canary, sample));
    }

    /// Hands over what was noted; says how many samples were dropped since the last time.
    pub fn hand_over(&self, to: &Waiting) -> u64 {
        let open = &mut *self.0.borrow_mut();
        if open.seen == 0 {
            return 0;
        }
        let seen = std::mem::take(&mut open.seen);
        open.known.clear();
        let kept = to.push(std::mem::take(&mut open.sheet));
        (seen - kept) as u64
    }
}

impl Open {
    /// Each sample has the same chance to be kept, whichever side it is of and whenever it came.
    fn keep(&mut self, noted: (u32, Sample)) {
        self.seen += 1;
        if self.sheet.samples.len() < PER_SECOND {
            self.sheet.samples.push(noted);
        } else if let Some(kept) = self.sheet.samples.get_mut(self.dice.usize(..self.seen)) {
            *kept = noted;
        }
    }
}

impl Waiting {
    /// All that waits.
    pub fn take(&self) -> Vec<Batch> {
        let heap = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut batches: Vec<Batch> = Vec::new();
        let mut known: AHashMap<(usize, u32), usize> = AHashMap::new();
        for sheet in heap.sheets {
            let places = sheet.canaries.into_iter().map(|(route, step)| {
                let key = (Arc::as_ptr(&route).addr(), step);
                *known.entry(key).or_insert_with(|| {
                    let samples = Vec::new();
                    batches.push(Batch {
                        route,
                        step,
                        samples,
                    });
                    batches.len() - 1
                })
            });
            let places: Vec<usize> = places.collect();
            for (canary, sample) in sheet.samples {
                let place = places.get(canary as usize).copied();
                if let Some(batch) = place.and_then(|place| batches.get_mut(place)) {
                    batch.samples.push(sample);
                }
            }
        }
        batches
    }

    /// Says how many samples were kept. All of a core's second or none: so neither side is dropped more than the other.
    fn push(&self, sheet: Sheet) -> usize {
        let heap = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = sheet.samples.len();
        if heap.samples + samples > WAITING {
            return 0;
        }
        heap.samples += samples;
        heap.sheets.push(sheet);
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(side: Side, hash: u32) -> Sample {
        Sample {
            hash,
            took: 7,
            side,
            failed: false,
        }
    }

    fn of(route: &str) -> Arc<RouteStats> {
        Arc::new(RouteStats::new(route, 1))
    }

    fn told(waiting: &Waiting) -> Vec<(String, u32, Vec<u32>)> {
        let batches = waiting.take().into_iter();
        let told = batches.map(|batch| {
            let hashes = batch.samples.iter().map(|sample| sample.hash).collect();
            (batch.route.name.clone(), batch.step, hashes)
        });
        told.collect()
    }

    #[test]
    fn notes_of_all_cores_come_together_by_route_and_step() {
        let (orders, users) = (of("orders"), of("users"));
        let (one, other, waiting) = (Notes::default(), Notes::default(), Waiting::default());
        assert_eq!(one.hand_over(&waiting), 0);
        one.note(&orders, 1, sample(Side::Legacy, 10));
        one.note(&users, 1, sample(Side::Legacy, 20));
        one.note(&orders, 2, sample(Side::Service, 30));
        other.note(&users, 1, sample(Side::Service, 40));
        assert_eq!(one.hand_over(&waiting) + other.hand_over(&waiting), 0);
        one.note(&orders, 2, sample(Side::Service, 50));
        assert_eq!(one.hand_over(&waiting), 0);
        let expected = [
            ("orders", 1, vec![10]),
            ("users", 1, vec![20, 40]),
            ("orders", 2, vec![30, 50]),
        ];
        let expected = expected.map(|(route, step, hashes)| (route.to_owned(), step, hashes));
        assert_eq!(told(&waiting), expected);
        assert_eq!(told(&waiting), []);
    }

    #[test]
    fn of_too_many_in_a_second_each_has_the_same_chance() {
        let route = of("orders");
        let (notes, waiting) = (Notes::default(), Waiting::default());
        notes.0.borrow_mut().dice = Rng::with_seed(1);
        let all = 4 * u32::try_from(PER_SECOND).unwrap();
        for hash in 0..all {
            // One in twenty, like a small canary.
            let side = if hash % 20 == 0 {
                Side::Service
            } else {
                Side::Legacy
            };
            notes.note(&route, 1, sample(side, hash));
        }
        let dropped = notes.hand_over(&waiting);
        assert_eq!(dropped, u64::from(all) - PER_SECOND as u64);
        let kept = waiting.take().remove(0).samples;
        assert_eq!(kept.len(), PER_SECOND);
        let service = kept.iter().filter(|one| one.side == Side::Service).count();
        assert!(service.abs_diff(PER_SECOND / 20) < 200, "{service}");
        let early = kept.iter().filter(|one| one.hash < all / 2).count();
        assert!(early.abs_diff(PER_SECOND / 2) < 700, "{early}");
    }

    #[test]
    fn what_nobody_takes_does_not_pile_up() {
        let route = of("orders");
        let (notes, waiting) = (Notes::default(), Waiting::default());
        let second = |samples: usize| {
            for _ in 0..samples {
                notes.note(&route, 1, sample(Side::Legacy, 0));
            }
            notes.hand_over(&waiting)
        };
        for _ in 0..WAITING / PER_SECOND {
            assert_eq!(second(PER_SECOND), 0);
        }
        assert_eq!(second(3), 3);
        assert_eq!(waiting.take()[0].samples.len(), WAITING);
        notes.note(&route, 1, sample(Side::Legacy, 0));
        assert_eq!(notes.hand_over(&waiting), 0);
    }
}
