//! Figures that live with what they are about: calls by backend, and what protects it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use tokio::time::Instant;
use upstream::breaker::{Breaker, State, View};
use upstream::hedge::Hedge;

use crate::backend::Backend;

/// What they are read from.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) backends: Vec<Arc<Backend>>,
    pub(crate) lines_dropped: Arc<AtomicU64>,
}

/// A counter by backend; `None` where a backend has no such thing.
type Read = fn(&Backend) -> Option<u64>;

const COUNTERS: [(&str, &str, Read); 5] = [
    ("bff_calls", "Calls to backends, each try by itself", |of| {
        Some(of.calls.get())
    }),
    (
        "bff_breaker_opened",
        "How often a backend's breaker opened",
        |of| breaker(of).map(|view| view.opened),
    ),
    (
        "bff_breaker_refused",
        "Calls that a backend's breaker turned away",
        |of| breaker(of).map(|view| view.refused),
    ),
    (
        "bff_hedges",
        "Second tries beside one that took long",
        |of| of.hedge.as_ref().map(|hedge| Hedge::counted(hedge).0),
    ),
    (
        "bff_hedges_won",
        "Second tries that were the faster ones",
        |of| of.hedge.as_ref().map(|hedge| Hedge::counted(hedge).1),
    ),
];

fn breaker(backend: &Backend) -> Option<View> {
    let view = |breaker: &Breaker| breaker.view(Instant::now());
    backend.breaker.as_ref().map(view)
}

impl Figures {
    fn counters(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, read) in COUNTERS {
            let values = self.backends.iter().map(|of| (of.name, read(of)));
            let mut known = values
                .filter_map(|(name, value)| Some((name, value?)))
                .peekable();
            if known.peek().is_none() {
                continue;
            }
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (backend, value) in known {
                family
                    .encode_family(&[("backend", backend)])?
                    .encode_counter::<NoLabelSet, _, u64>(&value, None)?;
            }
        }
        Ok(())
    }

    fn under_way(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Calls that a backend has at present";
        let name = "bff_calls_under_way";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for backend in &self.backends {
            family
                .encode_family(&[("backend", backend.name)])?
                .encode_gauge(&i64::from(backend.under_way()))?;
        }
        Ok(())
    }

    fn retries(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Calls that were tried again, by what the try before came to";
        let mut family =
            encoder.encode_descriptor("bff_retries", help, None, MetricType::Counter)?;
        for backend in &self.backends {
            let counts = backend.upstream.tally.counts();
            let repeated = counts.retries.map(|(cause, count)| (cause.as_str(), count));
            for (cause, count) in repeated.into_iter().chain([("stale", counts.stale)]) {
                family
                    .encode_family(&[("backend", backend.name), ("cause", cause)])?
                    .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
            }
        }
        Ok(())
    }

    fn breakers(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let views = self
            .backends
            .iter()
            .map(|of| (of.name, breaker(of)))
            .filter_map(|(name, view)| Some((name, view?)));
        let mut views = views.peekable();
        if views.peek().is_none() {
            return Ok(());
        }
        let help = "1 for how a backend's breaker stands";
        let mut family =
            encoder.encode_descriptor("bff_breaker_state", help, None, MetricType::Gauge)?;
        for (backend, view) in views {
            for state in State::WORDS {
                let stands = i64::from(view.state.as_str() == state);
                family
                    .encode_family(&[("backend", backend), ("state", state)])?
                    .encode_gauge(&stands)?;
            }
        }
        Ok(())
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.under_way(&mut encoder)?;
        self.counters(&mut encoder)?;
        self.retries(&mut encoder)?;
        self.breakers(&mut encoder)?;
        let dropped = self.lines_dropped.load(Ordering::Relaxed);
        encoder
            .encode_descriptor(
                "bff_access_lines_dropped",
                "Access lines that could not be written",
                None,
                MetricType::Counter,
            )?
            .encode_counter::<NoLabelSet, _, u64>(&dropped, None)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::protection::Protection;

    fn shown(protection: &Protection) -> String {
        let mut registry = Registry::with_prefix("banyan");
        let backend = Backend::protected("catalog", "x", 80, "", protection);
        registry.register_collector(Box::new(Figures {
            backends: vec![backend.unwrap()],
            lines_dropped: Arc::default(),
        }));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn what_this_process_does_itself_has_figures_and_nothing_else() {
        let own = shown(&Protection::own(1));
        for series in [
            "banyan_bff_calls_total{backend=\"catalog\"} 0",
            "banyan_bff_breaker_state{backend=\"catalog\",state=\"closed\"} 1",
            "banyan_bff_breaker_state{backend=\"catalog\",state=\"half_open\"} 0",
            "banyan_bff_breaker_refused_total{backend=\"catalog\"} 0",
            "banyan_bff_hedges_won_total{backend=\"catalog\"} 0",
            "banyan_bff_retries_total{backend=\"catalog\",cause=\"status\"} 0",
        ] {
            assert!(own.contains(series), "{own}");
        }
        let behind = shown(&Protection::by_gateway(1));
        assert!(behind.contains("bff_calls_total") && behind.contains("bff_retries_total"));
        assert!(
            !behind.contains("breaker") && !behind.contains("hedges"),
            "{behind}"
        );
    }
}
