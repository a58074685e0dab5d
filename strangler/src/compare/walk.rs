//! Goes through two JSON values side by side.

use std::cmp::Ordering;

use super::difference::Kind;
use super::found::{Found, Samples};
use super::pairing::{Elements, Pairs};
use super::print::{self, Print};
use super::redact::{self, REDACTED};
use super::rules::Rules;
use super::sample;
use super::trail::Trail;
use crate::json::{Decimal, Json, Number};
use crate::json_path::Step;

/// A value with its fingerprint.
#[derive(Clone, Copy, Debug)]
struct Node<'a> {
    json: &'a Json,
    print: &'a Print,
}

/// What a sample shows.
#[derive(Clone, Copy, Debug)]
enum Shown<'a> {
    Nothing,
    Value(&'a Json),
    /// Only how many there are.
    Elements(&'a [Json]),
}

/// The members of an object, sorted, with their fingerprints.
#[derive(Clone, Copy, Debug)]
struct Members<'a> {
    values: &'a [(String, Json)],
    prints: &'a [Print],
}

#[derive(Debug)]
struct Walk<'a, 'f> {
    rules: &'a Rules,
    trail: Trail<'a>,
    found: &'f mut Found,
}

/// Finds what differs.
pub(super) fn compare(rules: &Rules, left: &Json, right: &Json, found: &mut Found) {
    if left == right {
        return;
    }
    let (left_print, right_print) = (print::of(rules, left), print::of(rules, right));
    let trail = rules.trail();
    let mut walk = Walk {
        rules,
        trail,
        found,
    };
    let node = |json, print| Node { json, print };
    walk.values(node(left, &left_print), node(right, &right_print));
}

impl<'a> Walk<'a, '_> {
    fn values(&mut self, left: Node<'a>, right: Node<'a>) {
        match (left.json, right.json) {
            (Json::Object(l), Json::Object(r)) => {
                self.members(Members::new(l, left.print), Members::new(r, right.print));
            }
            (Json::Array(l), Json::Array(r)) => {
                let (l, r) = (elements(l, left.print), elements(r, right.print));
                self.arrays(left.json, right.json, l, r);
            }
            (Json::Number(l), Json::Number(r)) if self.are_close(l, r) => {}
            (l, r) if std::mem::discriminant(l) != std::mem::discriminant(r) => {
                self.differ(Kind::Type, Shown::Value(l), Shown::Value(r));
            }
            (l, r) if l != r => self.differ(Kind::Value, Shown::Value(l), Shown::Value(r)),
            _ => {}
        }
    }

    /// Both lists are sorted by name.
    fn members(&mut self, mut left: Members<'a>, mut right: Members<'a>) {
        loop {
            let order = match (left.name(), right.name()) {
                (None, None) => return,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(l), Some(r)) => l.cmp(r),
            };
            let l = order.is_le().then(|| left.next()).flatten();
            let r = order.is_ge().then(|| right.next()).flatten();
            if let Some((name, _)) = l.or(r) {
                let (l, r) = (l.map(|(_, node)| node), r.map(|(_, node)| node));
                self.child(Step::Name(name), l, r);
            }
        }
    }

    fn arrays(&mut self, left: &'a Json, right: &'a Json, l: Elements<'a>, r: Elements<'a>) {
        let rule = self.rules.unordered_at(&self.trail);
        match rule.map(|rule| rule.key.as_deref()) {
            Some(Some(key)) => self.pairs(l, r, &l.pairs_by_key(r, key)),
            Some(None) => self.pairs(l, r, &l.pairs(r)),
            None if l.are_reordered(r) => {
                self.differ(Kind::Order, Shown::Value(left), Shown::Value(right));
                // Something may still differ in elements that belong together: what the rules ignore or tolerate.
                self.pairs(l, r, &l.pairs(r));
            }
            None => {
                if l.values.len() != r.values.len() {
                    let number = |elements: Elements<'a>| Shown::Elements(elements.values);
                    self.differ(Kind::Length, number(l), number(r));
                }
                let both = l.values.len().min(r.values.len());
                let pairs: Pairs = (0..both).map(|n| (Some(n), Some(n))).collect();
                self.pairs(l, r, &pairs);
            }
        }
    }

    fn pairs(&mut self, left: Elements<'a>, right: Elements<'a>, pairs: &Pairs) {
        for (l, r) in pairs {
            if let Some(index) = l.or(*r) {
                let l = l.and_then(|index| node(left, index));
                let r = r.and_then(|index| node(right, index));
                self.child(Step::Index(index), l, r);
            }
        }
    }

    fn child(&mut self, step: Step<'a>, left: Option<Node<'a>>, right: Option<Node<'a>>) {
        self.trail.enter(step);
        match (left, right) {
            (Some(left), Some(right)) => self.values(left, right),
            (Some(left), None) => {
                self.differ(Kind::Missing, Shown::Value(left.json), Shown::Nothing);
            }
            (None, Some(right)) => {
                self.differ(Kind::Extra, Shown::Nothing, Shown::Value(right.json));
            }
            (None, None) => {}
        }
        self.trail.leave();
    }

    fn are_close(&self, left: &Number, right: &Number) -> bool {
        let close = || {
            let tolerance = Decimal::of(self.rules.tolerance_at(&self.trail)?)?;
            Some(left.decimal()?.is_within(&right.decimal()?, &tolerance))
        };
        left == right || close().unwrap_or(false)
    }

    fn differ(&mut self, kind: Kind, left: Shown<'a>, right: Shown<'a>) {
        let ignored = self.trail.is_below();
        if !self.found.is_new(self.trail.folded(), kind, ignored) || self.found.is_full(ignored) {
            return;
        }
        let (redact, way) = (&self.rules.redact, self.trail.steps());
        let secret_from = redact::secret_from(redact, way);
        let draw = |shown: Shown<'a>| match shown {
            Shown::Nothing => String::new(),
            _ if secret_from.is_some() => REDACTED.to_owned(),
            Shown::Value(value) => sample::of(redact, way, value),
            Shown::Elements(elements) => format!("{} elements", elements.len()),
        };
        let path = redact::shown(way, secret_from);
        self.found.add(path, kind, ignored, || Samples {
            left: draw(left),
            right: draw(right),
        });
    }
}

fn elements<'a>(values: &'a [Json], print: &'a Print) -> Elements<'a> {
    let prints = &print.children;
    Elements { values, prints }
}

fn node(elements: Elements<'_>, index: usize) -> Option<Node<'_>> {
    let json = elements.values.get(index)?;
    let print = elements.prints.get(index)?;
    Some(Node { json, print })
}

impl<'a> Members<'a> {
    fn new(values: &'a [(String, Json)], print: &'a Print) -> Self {
        let prints = &print.children;
        Self { values, prints }
    }

    fn name(&self) -> Option<&'a str> {
        self.values.first().map(|(name, _)| name.as_str())
    }

    fn next(&mut self) -> Option<(&'a str, Node<'a>)> {
        let ((name, json), values) = self.values.split_first()?;
        let (print, prints) = self.prints.split_first()?;
        (self.values, self.prints) = (values, prints);
        Some((name, Node { json, print }))
    }
}
