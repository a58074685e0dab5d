//! What a stub does wrong on purpose, and how it is told.

use std::time::Duration;

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
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
    /// Every `price` is text: `"13860"`. A single mistake for whoever compares answers.
    pub price_as_text: bool,
    /// Nothing is answered until this is switched off.
    pub hang: bool,
    /// Connections are closed without a byte of an answer.
    pub refuse: bool,
    /// Every JSON answer, problems too, keeps its head and has this for a body, whether it is JSON or not.
    pub raw: Option<String>,
    /// The same for bytes that are no text.
    pub raw_base64: Option<Base64>,
}

/// Bytes, written as base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base64(Bytes);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        STANDARD.encode(&self.0).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = STANDARD.decode(String::deserialize(from)?);
        bytes
            .map(|bytes| Self(bytes.into()))
            .map_err(serde::de::Error::custom)
    }
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
    price_as_text: Option<bool>,
    hang: Option<bool>,
    refuse: Option<bool>,
    #[serde(default, deserialize_with = "Setting::read")]
    raw: Setting<String>,
    #[serde(default, deserialize_with = "Setting::read")]
    raw_base64: Setting<Base64>,
}

/// What a change says about something that can be off.
#[derive(Clone, Debug, Default, PartialEq)]
enum Setting<T> {
    /// Nothing.
    #[default]
    Stays,
    /// `null`.
    Off,
    /// This.
    On(T),
}

impl<'de, T: Deserialize<'de>> Setting<T> {
    fn read<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Option::deserialize(from)?;
        Ok(value.map_or(Self::Off, Self::On))
    }

    fn is_on(&self) -> bool {
        matches!(self, Self::On(_))
    }

    /// What becomes of `now`.
    fn applied(self, now: Option<T>) -> Option<T> {
        match self {
            Self::Stays => now,
            Self::Off => None,
            Self::On(value) => Some(value),
        }
    }
}

/// A change that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum BadChange {
    /// A share that is none.
    #[error("error_rate: {0} is not from 0 to 1")]
    NotAShare(f64),
    /// An answer has one body.
    #[error("raw, raw_base64: one of them")]
    TwoBodies,
}

/// A stub's switches, live.
#[derive(Debug)]
pub struct Switches {
    settings: watch::Sender<Settings>,
}

impl Settings {
    /// Applies a change.
    pub fn change(&mut self, change: Change) -> Result<(), BadChange> {
        if let Some(rate) = change.error_rate
            && !(0.0..=1.0).contains(&rate)
        {
            return Err(BadChange::NotAShare(rate));
        }
        let (text, bytes) = (change.raw.is_on(), change.raw_base64.is_on());
        if text && bytes {
            return Err(BadChange::TwoBodies);
        }
        let Self {
            latency_ms,
            spread_ms,
            error_rate,
            wrong,
            price_as_text,
            hang,
            refuse,
            raw,
            raw_base64,
        } = self;
        *latency_ms = change.latency_ms.unwrap_or(*latency_ms);
        *spread_ms = change.spread_ms.unwrap_or(*spread_ms);
        *error_rate = change.error_rate.unwrap_or(*error_rate);
        *price_as_text = change.price_as_text.unwrap_or(*price_as_text);
        *hang = change.hang.unwrap_or(*hang);
        *refuse = change.refuse.unwrap_or(*refuse);
        if let Some(change) = change.wrong {
            *wrong = change;
        }
        // The one that comes takes the other's place.
        *raw = change.raw.applied(raw.take().filter(|_| !bytes));
        *raw_base64 = change
            .raw_base64
            .applied(raw_base64.take().filter(|_| !text));
        Ok(())
    }

    /// Whether answers stay as they are.
    pub fn is_right(&self) -> bool {
        self.wrong.is_empty() && !self.price_as_text
    }

    /// The body that every JSON answer has.
    pub fn raw(&self) -> Option<Bytes> {
        let text = self.raw.as_ref();
        text.map(|text| Bytes::from(text.clone()))
            .or_else(|| self.raw_base64.as_ref().map(|bytes| bytes.0.clone()))
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
    pub fn change(&self, change: Change) -> Result<Settings, BadChange> {
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
            Err(BadChange::NotAShare(30.0))
        );
        assert_eq!(switches.now(), now);
        switches.reset();
        assert_eq!(switches.now(), Settings::default());
        assert!(serde_json::from_str::<Change>(r#"{"latency": 80}"#).is_err());
    }

    #[test]
    fn a_raw_body_is_text_or_bytes_and_off_by_null() {
        let switches = Switches::new(Settings::default());
        let change = |text: &str| {
            let change = serde_json::from_str(text).unwrap();
            switches.change(change).map(|settings| settings.raw())
        };
        let body = |bytes: &'static [u8]| Ok(Some(Bytes::from_static(bytes)));
        assert_eq!(change(r#"{"raw": "{\"id\":"}"#), body(b"{\"id\":"));
        assert_eq!(change(r#"{"latency_ms": 1}"#), body(b"{\"id\":"));
        assert_eq!(change(r#"{"raw_base64": "/w=="}"#), body(b"\xff"));
        assert_eq!(switches.now().raw, None);
        assert_eq!(change(r#"{"raw": ""}"#), body(b""));
        assert_eq!(
            change(r#"{"raw": "", "raw_base64": ""}"#),
            Err(BadChange::TwoBodies)
        );
        assert_eq!(change(r#"{"raw": null}"#), Ok(None));
        assert!(serde_json::from_str::<Change>(r#"{"raw_base64": "?"}"#).is_err());
    }

    #[test]
    fn what_is_shown_can_be_sent_again() {
        let switches = Switches::new(Settings::default());
        let change = serde_json::from_str(r#"{"raw_base64": "/w==", "hang": true}"#).unwrap();
        let settings = switches.change(change).unwrap();
        let shown = serde_json::to_string(&settings).unwrap();
        switches.reset();
        let again = switches.change(serde_json::from_str(&shown).unwrap());
        assert_eq!(again, Ok(settings));
    }
}
