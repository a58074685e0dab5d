//! How long whoever asked still waits, as a request says it: our own field, and gRPC's.

use std::time::Duration;

use chassis::handover::{DEADLINE, deadline_value};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

/// The gRPC protocol over HTTP/2, "Requests": at most eight digits and a unit.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// What eight digits hold.
const GRPC_MAX: u128 = 99_999_999;

/// The units, longest first, with how many nanoseconds they are.
const UNITS: [(u8, u64); 6] = [
    (b'H', 3_600_000_000_000),
    (b'M', 60_000_000_000),
    (b'S', 1_000_000_000),
    (b'm', 1_000_000),
    (b'u', 1_000),
    (b'n', 1),
];

/// Says what is left of the time.
pub fn tell(fields: &mut HeaderMap, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    fields.insert(DEADLINE, deadline_value(left));
}

/// Says anew what is left of the time, where the backend is told that at all.
pub fn tell_again(fields: &mut HeaderMap, deadline: Instant) {
    if fields.contains_key(DEADLINE) {
        tell(fields, deadline);
    }
    if fields.contains_key(GRPC_TIMEOUT) {
        let left = deadline.saturating_duration_since(Instant::now());
        fields.insert(GRPC_TIMEOUT, grpc_value(left));
    }
}

/// How long a gRPC caller waits, as far as it says so.
pub fn of_grpc(fields: &HeaderMap) -> Option<Duration> {
    let value = fields.get(GRPC_TIMEOUT)?.as_bytes();
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (_, nanos) = UNITS.into_iter().find(|(known, _)| known == unit)?;
    let count: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let nanos = u128::from(count) * u128::from(nanos);
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    let rest = u32::try_from(nanos % 1_000_000_000).ok()?;
    Some(Duration::new(seconds, rest))
}

/// Rounded down to a unit in which eight digits hold it.
fn grpc_value(left: Duration) -> HeaderValue {
    let nanos = left.as_nanos();
    let fits = |nanos_of_one: u64| nanos / u128::from(nanos_of_one) <= GRPC_MAX;
    let finest = UNITS
        .into_iter()
        .rev()
        .skip(1)
        .find(|(_, unit)| fits(*unit));
    let (unit, nanos_of_one) = finest.unwrap_or(UNITS[0]);
    let count = (nanos / u128::from(nanos_of_one)).min(GRPC_MAX);
    let text = format!("{count}{}", char::from(unit));
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("0m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_left_of_the_time_is_told_in_whole_milliseconds() {
        let deadline = Instant::now() + Duration::from_millis(250);
        tokio::time::advance(Duration::from_micros(100_500)).await;
        let mut fields = HeaderMap::new();
        tell(&mut fields, deadline);
        assert_eq!(fields[DEADLINE], "149");
        assert_eq!(fields.len(), 1);
        tokio::time::advance(Duration::from_millis(100)).await;
        tell_again(&mut fields, deadline);
        assert_eq!(fields[DEADLINE], "49");
        let mut untold = HeaderMap::new();
        tell_again(&mut untold, deadline);
        assert!(untold.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_grpc_caller_is_told_in_its_own_field() {
        let mut fields = HeaderMap::new();
        fields.insert(GRPC_TIMEOUT, HeaderValue::from_static("250m"));
        let deadline = Instant::now() + of_grpc(&fields).unwrap();
        tokio::time::advance(Duration::from_millis(100)).await;
        tell_again(&mut fields, deadline);
        assert_eq!(fields[GRPC_TIMEOUT], "150000u");
    }

    #[test]
    fn a_grpc_timeout_has_at_most_eight_digits_and_a_unit() {
        let read = |text: &'static str| {
            let mut fields = HeaderMap::new();
            fields.insert(GRPC_TIMEOUT, HeaderValue::from_static(text));
            of_grpc(&fields)
        };
        assert_eq!(read("2H"), Some(Duration::from_hours(2)));
        assert_eq!(read("1500u"), Some(Duration::from_micros(1500)));
        assert_eq!(read("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for wrong in ["", "S", "5", "123456789S", "-1S", "1.5S", "5s"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        for left in [
            Duration::ZERO,
            Duration::from_secs(200),
            Duration::from_hours(30_000),
        ] {
            let mut fields = HeaderMap::new();
            fields.insert(GRPC_TIMEOUT, grpc_value(left));
            let told = of_grpc(&fields).unwrap();
            assert!(
                told <= left && left.saturating_sub(told) <= Duration::from_secs(1),
                "{left:?} {told:?}"
            );
        }
    }
}
