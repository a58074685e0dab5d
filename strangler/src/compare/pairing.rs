//! Matches up the elements of two arrays whose order says nothing.

use std::collections::HashMap;
use std::hash::Hash;

use super::print::Print;
use crate::json::Json;

/// An array with the fingerprints of its elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements<'a> {
    pub(super) values: &'a [Json],
    pub(super) prints: &'a [Print],
}

/// Which elements belong together, by index. One side is None where nothing is left on it.
pub(super) type Pairs = Vec<(Option<usize>, Option<usize>)>;

/// What makes two elements the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Identity<'a> {
    /// The value of their key, on both sides the same by meaning.
    Key(&'a Json),
    /// All that they say.
    Print(u64),
}

/// Both sides' elements with the same identity, in order.
#[derive(Debug, Default)]
struct Group {
    left: Vec<usize>,
    right: Vec<usize>,
}

impl<'a> Elements<'a> {
    /// By all that the elements say.
    pub(super) fn pairs(self, other: Self) -> Pairs {
        paired(self, other, Elements::print)
    }

    /// By the value of a member; elements without it by all that they say.
    pub(super) fn pairs_by_key(self, other: Self, key: &str) -> Pairs {
        paired(self, other, |elements, index| {
            let value = elements.values.get(index)?.member(key);
            value.map(Identity::Key).or_else(|| elements.print(index))
        })
    }

    /// The same elements, and not in the same order.
    pub(super) fn are_reordered(self, other: Self) -> bool {
        if self.prints.len() != other.prints.len() {
            return false;
        }
        let mut left: Vec<u64> = self.prints.iter().map(|print| print.hash).collect();
        let mut right: Vec<u64> = other.prints.iter().map(|print| print.hash).collect();
        if left == right {
            return false;
        }
        left.sort_unstable();
        right.sort_unstable();
        left == right
    }

    fn print(self, index: usize) -> Option<Identity<'a>> {
        self.prints
            .get(index)
            .map(|print| Identity::Print(print.hash))
    }

    fn weight(self, index: usize) -> f64 {
        self.prints.get(index).map_or(0.0, |print| print.weight)
    }
}

fn paired<'a>(
    left: Elements<'a>,
    right: Elements<'a>,
    identity: impl Fn(Elements<'a>, usize) -> Option<Identity<'a>>,
) -> Pairs {
    let mut places = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for index in 0..left.values.len() {
        group(&mut groups, &mut places, identity(left, index))
            .left
            .push(index);
    }
    for index in 0..right.values.len() {
        group(&mut groups, &mut places, identity(right, index))
            .right
            .push(index);
    }
    groups
        .into_iter()
        .flat_map(|group| group.pairs(left, right))
        .collect()
}

/// The identity's group. Groups stand in the order in which they were first met.
fn group<'g, I: Eq + Hash>(
    groups: &'g mut Vec<Group>,
    places: &mut HashMap<I, usize>,
    identity: I,
) -> &'g mut Group {
    let place = *places.entry(identity).or_insert(groups.len());
    if place == groups.len() {
        groups.push(Group::default());
    }
    &mut groups[place]
}

impl Group {
    /// Elements of the same weight first; the others by weight, so that numbers that are close meet.
    fn pairs(mut self, left: Elements<'_>, right: Elements<'_>) -> Pairs {
        if self.left.len() <= 1 && self.right.len() <= 1 {
            return vec![(self.left.pop(), self.right.pop())];
        }
        self.left
            .sort_by(|a, b| left.weight(*a).total_cmp(&left.weight(*b)));
        self.right
            .sort_by(|a, b| right.weight(*a).total_cmp(&right.weight(*b)));
        let mut pairs = Pairs::new();
        let mut others = Self::default();
        let (mut lefts, mut rights) = (self.left.into_iter(), self.right.into_iter());
        let (mut l, mut r) = (lefts.next(), rights.next());
        while let (Some(a), Some(b)) = (l, r) {
            let order = left.weight(a).total_cmp(&right.weight(b));
            if order.is_eq() {
                pairs.push((Some(a), Some(b)));
            } else if order.is_lt() {
                others.left.push(a);
            } else {
                others.right.push(b);
            }
            l = if order.is_le() { lefts.next() } else { l };
            r = if order.is_ge() { rights.next() } else { r };
        }
        others.left.extend(l.into_iter().chain(lefts));
        others.right.extend(r.into_iter().chain(rights));
        let longer = others.left.len().max(others.right.len());
        pairs.extend(
            (0..longer).map(|n| (others.left.get(n).copied(), others.right.get(n).copied())),
        );
        pairs
    }
}
