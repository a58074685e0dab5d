//! UTC timestamps for access lines, RFC 3339 with milliseconds. The date is worked out once a second.

use std::time::Duration;

use jiff::Timestamp;

/// Length of `2026-11-24T12:31:15`.
const TO_THE_SECOND: usize = 19;

/// The last second that was asked for, as text.
#[derive(Debug, Default)]
pub struct Stamp {
    second: u64,
    text: String,
}

impl Stamp {
    /// Appends the time since 1970 as `2026-11-24T12:31:15.042Z`.
    pub fn write(&mut self, unix: Duration, out: &mut Vec<u8>) {
        if self.second != unix.as_secs() || self.text.is_empty() {
            self.second = unix.as_secs();
            let second = i64::try_from(self.second).unwrap_or(0);
            self.text = Timestamp::from_second(second)
                .unwrap_or_default()
                .to_string();
            self.text.truncate(TO_THE_SECOND);
        }
        let millis = unix.subsec_millis();
        let digit = |value: u32| b'0' + u8::try_from(value % 10).unwrap_or(0);
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(&[
            b'.',
            digit(millis / 100),
            digit(millis / 10),
            digit(millis),
            b'Z',
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_follow_the_second() {
        let mut stamp = Stamp::default();
        for (millis, text) in [
            (1_764_000_000_042, "2025-11-24T16:00:00.042Z"),
            (1_764_000_000_999, "2025-11-24T16:00:00.999Z"),
            (1_764_000_001_000, "2025-11-24T16:00:01.000Z"),
            (0, "1970-01-01T00:00:00.000Z"),
        ] {
            let mut out = Vec::new();
            stamp.write(Duration::from_millis(millis), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
