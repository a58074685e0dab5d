//! Durations, sizes and rates, from text and back.

use std::num::NonZeroU32;
use std::time::Duration;

use bytesize::ByteSize;
use jiff::fmt::friendly::{SpanParser, SpanPrinter};

use crate::rate_limit::config::Rate;

/// Longer waits are mistakes, and would overflow a clock.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A bucket that fills every nanosecond limits nothing.
const FASTEST: u32 = 1_000_000_000;

const UNITS_OF_RATE: [(&str, Duration); 3] = [
    ("s", Duration::from_secs(1)),
    ("m", Duration::from_mins(1)),
    ("h", Duration::from_hours(1)),
];

/// What a duration looks like, for help.
pub(super) const DURATIONS: &str =
    "write a number and its unit: \"250ms\", \"3s\", \"10m\", \"24h\"";
/// What a size looks like.
pub(super) const SIZES: &str = "write a number and its unit: \"512B\", \"64KiB\", \"10MiB\"";
/// What a rate looks like.
pub(super) const RATES: &str =
    "write so many per second, minute or hour: \"100/s\", \"600/m\", \"10/h\"";

/// `"250ms"`, `"3s"`, `"1m 30s"`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    static PARSER: SpanParser = SpanParser::new();
    PARSER
        .parse_unsigned_duration(text)
        .ok()
        .filter(|duration| *duration <= LONGEST)
}

/// `"64KiB"`, `"10MB"`. A number needs its unit.
pub(super) fn size(text: &str) -> Option<u64> {
    if !text.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    text.parse::<ByteSize>().ok().map(|size| size.as_u64())
}

/// `"100/s"`, `"600/m"`, `"10/h"`.
pub(super) fn rate(text: &str) -> Option<Rate> {
    let (count, unit) = text.split_once('/')?;
    let unit = unit.trim();
    let (_, per) = UNITS_OF_RATE.into_iter().find(|(name, _)| *name == unit)?;
    let count: NonZeroU32 = count.trim().parse().ok()?;
    (count.get() <= FASTEST).then_some(Rate { count, per })
}

/// As an operator writes it.
pub(super) fn show_duration(duration: Duration) -> String {
    SpanPrinter::new().unsigned_duration_to_string(&duration)
}

/// As an operator writes it.
pub(super) fn show_size(bytes: u64) -> String {
    for (unit, factor) in [
        ("GiB", bytesize::GIB),
        ("MiB", bytesize::MIB),
        ("KiB", bytesize::KIB),
    ] {
        if bytes >= factor && bytes.is_multiple_of(factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    format!("{bytes}B")
}

/// As an operator writes it.
pub(super) fn show_rate(rate: Rate) -> String {
    let unit = UNITS_OF_RATE
        .into_iter()
        .find(|(_, per)| *per == rate.per)
        .map_or_else(|| show_duration(rate.per), |(name, _)| name.to_owned());
    format!("{}/{unit}", rate.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_they_are_shown() {
        for (text, millis) in [
            ("250ms", 250),
            ("3s", 3_000),
            ("10m", 600_000),
            ("24h", 86_400_000),
            ("1m 30s", 90_000),
            ("1.5s", 1_500),
            ("0ms", 0),
        ] {
            let read = duration(text).unwrap();
            assert_eq!(read, Duration::from_millis(millis), "{text}");
            assert_eq!(duration(&show_duration(read)), Some(read), "{text}");
        }
        for wrong in [
            "",
            "3",
            "s",
            "3 parsecs",
            "-3s",
            "9999999999999h",
            "9000h",
            "3s 4",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_are_read_as_they_are_shown() {
        for (text, bytes) in [
            ("0B", 0),
            ("64KiB", 65_536),
            ("10MiB", 10_485_760),
            ("5MB", 5_000_000),
            ("2GiB", 2_147_483_648),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
            assert_eq!(size(&show_size(bytes)), Some(bytes), "{text}");
        }
        for wrong in ["", "10", "MiB", "-1KiB", "1 parsec", "1.2.3KiB"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rates_are_read_as_they_are_shown() {
        for text in ["100/s", "600/m", "10/h"] {
            assert_eq!(show_rate(rate(text).unwrap()), text);
        }
        for wrong in [
            "",
            "100",
            "100/d",
            "0/s",
            "-1/s",
            "1.5/s",
            "/s",
            "4000000000/s",
            "1/s/s",
        ] {
            assert_eq!(rate(wrong), None, "{wrong}");
        }
    }
}
