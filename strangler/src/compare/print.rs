//! A fingerprint of every value, under a route's rules: what may differ leaves no trace in it.
//!
//! Only used to match up elements of arrays. What was matched up is still compared.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::rules::Rules;
use super::trail::Trail;
use crate::json::Json;
use crate::json_path::Step;

/// One value's fingerprint, with those of its children in their order.
#[derive(Debug)]
pub(super) struct Print {
    /// The same for values between which the rules see no difference.
    pub(super) hash: u64,
    /// The sum of the tolerated numbers, roughly: of values with the same hash, the closer ones belong together.
    pub(super) weight: f64,
    pub(super) children: Vec<Self>,
}

#[derive(Debug)]
struct Printer<'a> {
    rules: &'a Rules,
    trail: Trail<'a>,
}

/// The fingerprints of a whole document.
pub(super) fn of(rules: &Rules, json: &Json) -> Print {
    let mut printer = Printer {
        rules,
        trail: rules.trail(),
    };
    printer.print(json)
}

impl<'a> Printer<'a> {
    fn print(&mut self, json: &'a Json) -> Print {
        match json {
            Json::Array(elements) => self.array(elements),
            Json::Object(members) => self.object(members),
            Json::Number(number) if self.rules.tolerance_at(&self.trail).is_some() => {
                let weight = number.decimal().map_or(0.0, |decimal| decimal.roughly());
                leaf(hash(&"a number"), weight)
            }
            other => leaf(hash(&other), 0.0),
        }
    }

    fn array(&mut self, elements: &'a [Json]) -> Print {
        let mut children = Vec::with_capacity(elements.len());
        let mut hashes = Vec::with_capacity(elements.len());
        let mut weight = 0.0;
        for (index, element) in elements.iter().enumerate() {
            self.trail.enter(Step::Index(index));
            let child = self.print(element);
            if !self.trail.fits_inherited() {
                hashes.push(child.hash);
                weight += child.weight;
            }
            self.trail.leave();
            children.push(child);
        }
        if self.rules.unordered_at(&self.trail).is_some() {
            hashes.sort_unstable();
        }
        Print {
            hash: hash(&("[]", hashes)),
            weight,
            children,
        }
    }

    fn object(&mut self, members: &'a [(String, Json)]) -> Print {
        let mut children = Vec::with_capacity(members.len());
        let mut hasher = DefaultHasher::new();
        let mut weight = 0.0;
        "{}".hash(&mut hasher);
        for (name, value) in members {
            self.trail.enter(Step::Name(name));
            let child = self.print(value);
            if !self.trail.fits_inherited() {
                (name, child.hash).hash(&mut hasher);
                weight += child.weight;
            }
            self.trail.leave();
            children.push(child);
        }
        Print {
            hash: hasher.finish(),
            weight,
            children,
        }
    }
}

fn leaf(hash: u64, weight: f64) -> Print {
    let children = Vec::new();
    Print {
        hash,
        weight,
        children,
    }
}

fn hash<T: Hash>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
