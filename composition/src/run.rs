//! Composes one screen: a part begins the moment its inputs are there, independent parts run together, and the loss of
//! a required one ends the rest at once.

use std::sync::Arc;
use std::time::Duration;

use futures::future::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::Instant;

use crate::ask::Ask;
use crate::budget::Budget;
use crate::cache::AnyValue;
use crate::engine::{Engine, How};
use crate::lost::Lost;
use crate::need::Need;
use crate::plan::Plan;
use crate::reason::{Reason, Status};
use crate::report::Report;
use crate::slot::{Slot, Values};
use crate::work::Brought;

/// What all parts brought.
#[derive(Debug)]
pub struct Parts<'a> {
    names: &'a [&'static str],
    values: Vec<Option<AnyValue>>,
    reports: Vec<Option<Report>>,
}

/// A required part was lost.
#[derive(Debug)]
pub struct Failure {
    /// Which.
    pub part: &'static str,
    /// Why.
    pub lost: Lost,
    /// It is where the screen begins: it waits for nothing.
    pub is_root: bool,
    /// How all parts came out that had ended by then.
    pub reports: Vec<Report>,
}

impl Parts<'_> {
    /// What a part brought; `None` when it was lost or not wanted.
    pub fn get<T: Send + Sync + 'static>(&self, slot: Slot<T>) -> Option<&T> {
        let at = self.names.iter().position(|name| *name == slot.name())?;
        self.values.get(at)?.as_ref()?.downcast_ref()
    }

    /// How the parts came out, in the order of their declaration, without those that were not wanted.
    pub fn reports(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter().flatten()
    }

    /// Every part is as its backend says.
    pub fn is_complete(&self) -> bool {
        self.reports().all(|report| report.status == Status::Ok)
    }
}

/// Composes.
pub(crate) async fn run<'p, P>(
    plan: &'p Plan<P>,
    engine: &Arc<Engine>,
    ask: &Ask<P>,
) -> Result<Parts<'p>, Failure> {
    let budget = Budget::new(ask.inbound.began, plan.budget, ask.inbound.deadline);
    let moment = engine.enter(&ask.inbound);
    let mut progress = Progress::new(plan);
    let mut running = FuturesUnordered::new();
    loop {
        while let Some(at) = progress.next_ready() {
            let part = &plan.parts[at];
            if !part.wanted.as_ref().is_none_or(|wanted| wanted(ask)) {
                progress.settled[at] = true;
                continue;
            }
            match progress.inputs(at) {
                Inputs::There => {}
                // Nothing is missing, and neither is what builds on it.
                Inputs::Unwanted => {
                    progress.settled[at] = true;
                    continue;
                }
                Inputs::Lost(reason) => {
                    progress.settled[at] = true;
                    progress.skip(at, reason, ask)?;
                    continue;
                }
            }
            let now = Instant::now();
            let how = How {
                inbound: &ask.inbound,
                moment,
                need: part.need,
                timeout: part.timeout,
                allowance: budget.part(now, part.timeout),
            };
            // All inputs are there, or it would have been skipped.
            if let Some(work) = part.work.begin(engine, ask, how, &progress.values()) {
                running.push(work.map(move |result| (at, now, result)));
            }
        }
        let Some((at, began, result)) = running.next().await else {
            break;
        };
        progress.settle(at, began.elapsed(), result, ask)?;
    }
    Ok(Parts {
        names: &plan.names,
        values: progress.values,
        reports: progress.reports,
    })
}

/// How a part's inputs came out.
enum Inputs {
    There,
    /// One of them was not asked for.
    Unwanted,
    /// One of them was lost.
    Lost(Reason),
}

struct Progress<'p, P> {
    plan: &'p Plan<P>,
    begun: Vec<bool>,
    settled: Vec<bool>,
    values: Vec<Option<AnyValue>>,
    reports: Vec<Option<Report>>,
}

impl<'p, P> Progress<'p, P> {
    fn new(plan: &'p Plan<P>) -> Self {
        let count = plan.parts.len();
        Self {
            plan,
            begun: vec![false; count],
            settled: vec![false; count],
            values: vec![None; count],
            reports: vec![None; count],
        }
    }

    fn values(&self) -> Values<'_> {
        Values {
            names: &self.plan.names,
            values: &self.values,
        }
    }

    /// A part that has not begun and whose inputs have all come out, one way or the other.
    fn next_ready(&mut self) -> Option<usize> {
        let ready = |at: &usize| {
            !self.begun[*at]
                && self.plan.inputs[*at]
                    .iter()
                    .all(|input| self.settled[*input])
        };
        let at = (0..self.plan.parts.len()).find(ready)?;
        self.begun[at] = true;
        Some(at)
    }

    fn inputs(&self, at: usize) -> Inputs {
        let mut inputs = self.plan.inputs[at].iter();
        let missing = inputs.find(|input| self.values[**input].is_none());
        let Some(missing) = missing else {
            return Inputs::There;
        };
        let report = self.reports[*missing].as_ref();
        let reason = report.and_then(|report| report.reason);
        reason.map_or(Inputs::Unwanted, Inputs::Lost)
    }

    fn settle(
        &mut self,
        at: usize,
        took: Duration,
        result: Result<Brought, Lost>,
        ask: &Ask<P>,
    ) -> Result<(), Failure> {
        self.settled[at] = true;
        let brought = match result {
            Ok(brought) => brought,
            // It was never asked for.
            Err(lost) if lost.reason == Reason::Budget => {
                return self.lose(at, Status::Skipped, lost, took, ask);
            }
            Err(lost) => return self.lose(at, Status::Omitted, lost, took, ask),
        };
        let status = match (brought.stale, brought.gap) {
            (_, Some(_)) => Status::Omitted,
            (Some(_), None) => Status::Stale,
            (None, None) => Status::Ok,
        };
        self.reports[at] = Some(Report {
            name: self.plan.names[at],
            status,
            reason: brought.gap.map(|(_, _, reason)| reason).or(brought.stale),
            age: brought.age,
            side: brought.side,
            counts: brought.gap.map(|(got, of, _)| (got, of)),
            took,
        });
        self.values[at] = Some(brought.value);
        Ok(())
    }

    fn skip(&mut self, at: usize, reason: Reason, ask: &Ask<P>) -> Result<(), Failure> {
        self.lose(at, Status::Skipped, Lost::new(reason), Duration::ZERO, ask)
    }

    fn lose(
        &mut self,
        at: usize,
        status: Status,
        lost: Lost,
        took: Duration,
        ask: &Ask<P>,
    ) -> Result<(), Failure> {
        let part = &self.plan.parts[at];
        let mut report = Report {
            name: self.plan.names[at],
            status,
            reason: Some(lost.reason),
            age: None,
            side: None,
            counts: None,
            took,
        };
        if part.need == Need::Required {
            report.status = Status::Failed;
            self.reports[at] = Some(report);
            return Err(Failure {
                part: self.plan.names[at],
                lost,
                is_root: self.plan.inputs[at].is_empty(),
                reports: std::mem::take(&mut self.reports)
                    .into_iter()
                    .flatten()
                    .collect(),
            });
        }
        if let Some(stand_in) = &part.stand_in {
            report.status = Status::Default;
            self.values[at] = Some(stand_in(ask));
        }
        self.reports[at] = Some(report);
        Ok(())
    }
}
