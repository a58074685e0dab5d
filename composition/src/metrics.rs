//! What is counted: screens and parts by how they came out, calls by backend, what was kept, joined or ignored.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::reason::Status;
use crate::report::Report;

/// Seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ScreenLabels {
    screen: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ScreenLabel {
    screen: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartLabels {
    screen: &'static str,
    part: &'static str,
    status: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartLabel {
    screen: &'static str,
    part: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeptLabel {
    how: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FieldLabel {
    field: &'static str,
}

/// All counters of one process.
#[derive(Clone, Debug)]
pub struct Stats {
    screens: Family<ScreenLabels, Counter>,
    screen_seconds: Family<ScreenLabel, Histogram, fn() -> Histogram>,
    parts: Family<PartLabels, Counter>,
    part_seconds: Family<PartLabel, Histogram, fn() -> Histogram>,
    kept: Family<KeptLabel, Counter>,
    ignored: Family<FieldLabel, Counter>,
    large: Family<ScreenLabel, Counter>,
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            screens: Family::default(),
            screen_seconds: Family::new_with_constructor(histogram),
            parts: Family::default(),
            part_seconds: Family::new_with_constructor(histogram),
            kept: Family::default(),
            ignored: Family::default(),
            large: Family::default(),
        }
    }
}

impl Stats {
    /// Shows them in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("bff_screens", "Composed answers", self.screens.clone());
        registry.register(
            "bff_screen_duration_seconds",
            "From a request to its composed answer",
            self.screen_seconds.clone(),
        );
        registry.register("bff_parts", "Parts by outcome", self.parts.clone());
        registry.register(
            "bff_part_duration_seconds",
            "From a part's beginning to its end",
            self.part_seconds.clone(),
        );
        registry.register(
            "bff_kept_answers",
            "Answers that took no call of their own",
            self.kept.clone(),
        );
        registry.register(
            "bff_ignored_fields",
            "Fields of requests that were left out of account",
            self.ignored.clone(),
        );
        registry.register(
            "bff_large_screens",
            "Answers over their screen's size budget",
            self.large.clone(),
        );
    }

    /// One answer that took no call of its own: `fresh`, `joined` or `stale`.
    pub(crate) fn kept(&self, how: &'static str) {
        self.kept.get_or_create(&KeptLabel { how }).inc();
    }

    /// One field that was left out of account.
    pub(crate) fn ignored(&self, field: &'static str) {
        self.ignored.get_or_create(&FieldLabel { field }).inc();
    }

    /// The counters of one screen, ready to count.
    pub(crate) fn screen(&self, screen: &'static str, parts: &[&'static str]) -> ScreenStats {
        let ok = |part: &&'static str| {
            self.parts.get_or_create_owned(&PartLabels {
                screen,
                part,
                status: Status::Ok.as_str(),
                reason: "",
            })
        };
        let seconds = |part: &&'static str| {
            self.part_seconds
                .get_or_create_owned(&PartLabel { screen, part })
        };
        ScreenStats {
            screen,
            all: self.clone(),
            seconds: self
                .screen_seconds
                .get_or_create_owned(&ScreenLabel { screen }),
            parts: parts
                .iter()
                .map(|part| (*part, ok(part), seconds(part)))
                .collect(),
        }
    }
}

/// The counters of one screen.
#[derive(Debug)]
pub(crate) struct ScreenStats {
    screen: &'static str,
    all: Stats,
    seconds: Histogram,
    /// By part: those that came out well, and how long they took.
    parts: Vec<(&'static str, Counter, Histogram)>,
}

impl ScreenStats {
    /// One answer: `complete`, `degraded` or `failed`.
    pub(crate) fn answered(&self, outcome: &'static str, took: Duration) {
        let screen = self.screen;
        let labels = ScreenLabels { screen, outcome };
        self.all.screens.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// One answer over its size budget.
    pub(crate) fn large(&self) {
        let screen = self.screen;
        self.all.large.get_or_create(&ScreenLabel { screen }).inc();
    }

    /// How one part came out.
    pub(crate) fn part(&self, report: &Report) {
        let known = self.parts.iter().find(|(name, ..)| *name == report.name);
        let Some((part, ok, seconds)) = known else {
            return;
        };
        seconds.observe(report.took.as_secs_f64());
        if report.status == Status::Ok {
            ok.inc();
            return;
        }
        let labels = PartLabels {
            screen: self.screen,
            part,
            status: report.status.as_str(),
            reason: report.reason.map_or("", |reason| reason.as_str()),
        };
        self.all.parts.get_or_create(&labels).inc();
    }
}
