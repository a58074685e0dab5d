//! What one process here hands on to the next with a request: edge -> BFF -> the gateway's internal listener.
//!
//! Each field is believed only from callers that were configured as trusted; strangers' are taken away.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

/// What keeps a caller on one side of every migration.
pub const STICKY: HeaderName = HeaderName::from_static("x-banyan-sticky");

/// How long the caller still waits, in milliseconds.
pub const DEADLINE: HeaderName = HeaderName::from_static("x-request-deadline-ms");

/// Where routes lead at present. On a request a [`State`]; on an answer of the internal listener a [`RouteState`].
pub const STATE: HeaderName = HeaderName::from_static("x-banyan-state");

/// Which cohort an answer is for: a [`Cohort`], while its route answers some callers otherwise than others.
pub const COHORT: HeaderName = HeaderName::from_static("x-banyan-cohort");

/// The code of a problem that the gateway itself answered with, on its internal listener: no backend can say it.
pub const REJECTED: HeaderName = HeaderName::from_static("x-banyan-rejected");

/// Which side of a migration answered: `legacy` or `service`.
pub const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// Longer deadlines say nothing: no request here waits for a day.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads a deadline: a whole number of milliseconds from 0 to a day. Anything else is `None`.
///
/// ```
/// # use http::HeaderValue;
/// # use std::time::Duration;
/// let read = |text| chassis::handover::deadline(&HeaderValue::from_static(text));
/// assert_eq!(read("120"), Some(Duration::from_millis(120)));
/// assert_eq!(read("-5"), None);
/// ```
pub fn deadline(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let wait = Duration::from_millis(text.parse().ok()?);
    (wait <= LONGEST).then_some(wait)
}

/// A deadline as a field value, rounded down to whole milliseconds.
pub fn deadline_value(left: Duration) -> HeaderValue {
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX).into()
}

/// A fingerprint of which requests all routes take, where they lead and how their migrations stand: equal on every
/// replica with the same file. The last bit says whether any route has cohorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State(pub u64);

/// One route's part of a [`State`]: it changes exactly when that route leads elsewhere or splits otherwise, or when any
/// route takes other requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RouteState {
    /// The whole, as the answering gateway knew it.
    pub state: State,
    /// The route's name.
    pub route: String,
    /// The route's own fingerprint.
    pub token: Token,
}

/// One route's fingerprint. The last bit says whether the route has cohorts.
///
/// It says so even where an answer is of none: who was refused before a side was chosen is still on a route with sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// `products;1;service`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cohort {
    /// The route's name.
    pub route: String,
    /// The route's epoch.
    pub epoch: u32,
    /// `legacy` or `service`.
    pub side: String,
}

impl State {
    /// Of a fingerprint, and of whether any route answers some callers otherwise than others.
    pub fn new(fingerprint: u64, has_cohorts: bool) -> Self {
        Self(fingerprint & !1 | u64::from(has_cohorts))
    }

    /// Whether any route answers some callers otherwise than others.
    pub fn has_cohorts(self) -> bool {
        self.0 & 1 == 1
    }

    /// Reads `00c0ffee00c0ffee`.
    pub fn read(value: &HeaderValue) -> Option<Self> {
        Some(Self(hexadecimal(value.to_str().ok()?)?))
    }

    /// As a field value.
    pub fn to_value(self) -> HeaderValue {
        value(&format!("{:016x}", self.0))
    }
}

impl Token {
    /// Of a fingerprint, and of whether the route answers some callers otherwise than others.
    pub fn new(fingerprint: u64, has_cohorts: bool) -> Self {
        Self(fingerprint & !1 | u64::from(has_cohorts))
    }

    /// Whether the route answers some callers otherwise than others.
    pub fn has_cohorts(self) -> bool {
        self.0 & 1 == 1
    }
}

impl RouteState {
    /// Reads `00c0ffee00c0ffee;products;0123456789abcdef`.
    pub fn read(value: &HeaderValue) -> Option<Self> {
        let mut parts = value.to_str().ok()?.split(';');
        let (state, route, token) = (parts.next()?, parts.next()?, parts.next()?);
        parts.next().is_none().then_some(())?;
        Some(Self {
            state: State(hexadecimal(state)?),
            route: route.to_owned(),
            token: Token(hexadecimal(token)?),
        })
    }

    /// As a field value.
    pub fn to_value(&self) -> HeaderValue {
        let Self {
            state,
            route,
            token,
        } = self;
        value(&format!("{:016x};{route};{:016x}", state.0, token.0))
    }
}

impl Cohort {
    /// Reads `products;1;service`.
    pub fn read(value: &HeaderValue) -> Option<Self> {
        let mut parts = value.to_str().ok()?.split(';');
        let (route, epoch, side) = (parts.next()?, parts.next()?, parts.next()?);
        parts.next().is_none().then_some(())?;
        Some(Self {
            route: route.to_owned(),
            epoch: epoch.parse().ok()?,
            side: side.to_owned(),
        })
    }

    /// As a field value.
    pub fn to_value(&self) -> HeaderValue {
        let Self { route, epoch, side } = self;
        value(&format!("{route};{epoch};{side}"))
    }
}

fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

/// Names are letters, digits, `_` and `-`, so this is always a valid field value.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_is_none_is_not_read() {
        let read = |text: &'static str| deadline(&HeaderValue::from_static(text));
        assert_eq!(read("0"), Some(Duration::ZERO));
        assert_eq!(read("86400000"), Some(LONGEST));
        for absurd in [
            "",
            "-1",
            "+1",
            " 7",
            "1.5",
            "1e3",
            "86400001",
            "99999999999999999999",
            "NaN",
        ] {
            assert_eq!(read(absurd), None, "{absurd}");
        }
        assert_eq!(deadline_value(Duration::from_micros(99_999)), "99");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let state = RouteState {
            state: State(7),
            route: "products".into(),
            token: Token(u64::MAX),
        };
        let value = state.to_value();
        assert_eq!(value, "0000000000000007;products;ffffffffffffffff");
        assert_eq!(RouteState::read(&value), Some(state));
        let cohort = Cohort {
            route: "products".into(),
            epoch: 2,
            side: "service".into(),
        };
        assert_eq!(cohort.to_value(), "products;2;service");
        assert_eq!(Cohort::read(&cohort.to_value()), Some(cohort));
        for broken in ["", "7", "products;x;service", "a;1;b;c"] {
            assert_eq!(Cohort::read(&HeaderValue::from_static(broken)), None);
        }
        for broken in ["", "7;products;8", "0000000000000007;products"] {
            assert_eq!(RouteState::read(&HeaderValue::from_static(broken)), None);
        }
    }
}
