//! What a stub does wrong on purpose, and how it is told.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// The settings; everything off is the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Settings {
    /// Each answer waits this long.
    pub latency_ms: u64,
    /// And up to this much longer.
    pub spread_ms: u64,
    /// This share of the answers is a 500.
    pub error_rate: f64,
    /// What is wrong in the answers.
    pub wrong: Vec<Wrong>,
    /// Nothing is answered until this is switched off.
    pub hang: bool,
    /// Connections are closed without a byte of an answer.
    pub refuse: bool,
}

/// A mistake in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// Prices, amounts and totals are text.
    Price,
    /// One member of each object is missing.
    Missing,
    /// Lists are the other way round.
    Reorder,
    /// A time of generation is added that differs each time.
    Timestamp,
}

/// A change; what it leaves out stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    latency_ms: Option<u64>,
    spread_ms: Option<u64>,
    error_rate: Option<f64>,
    wrong: Option<Vec<Wrong>>,
    hang: Option<bool>,
    refuse: Option<bool>,
}

/// A share that is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotAShare(pub f64);

/// A stub's switches, live.
#[derive(Debug)]
pub struct Switches {
    settings: watch::Sender<Settings>,
}

impl Settings {
    /// Applies a change.
    pub fn change(&mut self, change: Change) -> Result<(), NotAShare> {
        if let Some(rate) = change.error_rate
            && !(0.0..=1.0).contains(&rate)
        {
            return Err(NotAShare(rate));
        }
        let Self {
            latency_ms,
            spread_ms,
            error_rate,
            wrong,
            hang,
            refuse,
        } = self;
        *latency_ms = change.latency_ms.unwrap_or(*latency_ms);
        *spread_ms = change.spread_ms.unwrap_or(*spread_ms);
        *error_rate = change.error_rate.unwrap_or(*error_rate);
        *hang = change.hang.unwrap_or(*hang);
        *refuse = change.refuse.unwrap_or(*refuse);
        if let Some(change) = change.wrong {
            *wrong = change;
        }
        Ok(())
    }

    /// How long this answer waits.
    pub fn latency(&self) -> Duration {
        let spread = if self.spread_ms == 0 {
            0
        } else {
            fastrand::u64(0..=self.spread_ms)
        };
        Duration::from_millis(self.latency_ms.saturating_add(spread))
    }
}

impl Switches {
    /// As they stand at start.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: watch::Sender::new(settings),
        }
    }

    /// As they stand now.
    pub fn now(&self) -> Settings {
        self.settings.borrow().clone()
    }

    /// Changes them.
    pub fn change(&self, change: Change) -> Result<Settings, NotAShare> {
        let mut settings = self.now();
        settings.change(change)?;
        self.settings.send_replace(settings.clone());
        Ok(settings)
    }

    /// Back to normal.
    pub fn reset(&self) {
        self.settings.send_replace(Settings::default());
    }

    /// Waits until `hang` is off.
    pub async fn let_go(&self) {
        let mut settings = self.settings.subscribe();
        // The sender is ours, so it cannot be gone.
        let _ = settings.wait_for(|settings| !settings.hang).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_the_rest_as_it_is() {
        let switches = Switches::new(Settings::default());
        let read = |text: &str| serde_json::from_str::<Change>(text).unwrap();
        switches
            .change(read(r#"{"latency_ms": 80, "wrong": ["price", "reorder"]}"#))
            .unwrap();
        switches.change(read(r#"{"error_rate": 0.3}"#)).unwrap();
        let now = switches.now();
        assert_eq!((now.latency_ms, now.wrong.len()), (80, 2));
        assert_eq!(
            switches.change(read(r#"{"error_rate": 30}"#)),
            Err(NotAShare(30.0))
        );
        assert_eq!(switches.now(), now);
        switches.reset();
        assert_eq!(switches.now(), Settings::default());
        assert!(serde_json::from_str::<Change>(r#"{"latency": 80}"#).is_err());
    }
}
