//! What a client may do how often: frames that cost it nothing and us something are counted, and too many in one second
//! end the connection. What each limit is against stands in `docs/http.md`.

use super::frames::{
    CONTINUATION, DATA, Frame, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE,
};
use crate::metrics::http2::Ended;

/// What a client did since the last second began.
#[derive(Debug, Default)]
pub(super) struct Seen {
    second: u32,
    counts: [u32; KINDS],
    /// Bytes that we sent; a client that is sent much has much to say about it.
    sent: u64,
}

const KINDS: usize = 7;

/// One kind of frame: why the connection ends, how many are fine, and for how many sent bytes there may be one more.
struct Limit {
    ended: Ended,
    most: u32,
    one_more_for: Option<u64>,
}

/// Resets are one a cancelled request: no user and no page cancels this many. Pings and window updates follow the data
/// that we send.
const LIMITS: [Limit; KINDS] = [
    limit(Ended::RapidReset, 200, None),
    limit(Ended::PingFlood, 500, Some(512)),
    limit(Ended::SettingsFlood, 50, None),
    limit(Ended::PriorityFlood, 1000, None),
    limit(Ended::WindowUpdateFlood, 4000, Some(64)),
    limit(Ended::EmptyFrames, 100, None),
    limit(Ended::UnknownFrames, 500, None),
];

const fn limit(ended: Ended, most: u32, one_more_for: Option<u64>) -> Limit {
    Limit {
        ended,
        most,
        one_more_for,
    }
}

/// Which of the limits a frame counts for.
fn kind(frame: Frame) -> Option<usize> {
    if frame.is_empty() {
        return Some(5);
    }
    match frame.kind {
        DATA | HEADERS | CONTINUATION => None,
        RST_STREAM => Some(0),
        PING => Some(1),
        SETTINGS => Some(2),
        PRIORITY => Some(3),
        WINDOW_UPDATE => Some(4),
        _ => Some(6),
    }
}

impl Seen {
    /// A frame came; says why that was one too many.
    pub(super) fn came(&mut self, frame: Frame, second: u32) -> Option<Ended> {
        let kind = kind(frame)?;
        if self.second != second {
            *self = Self {
                second,
                ..Self::default()
            };
        }
        let (count, limit) = (&mut self.counts[kind], &LIMITS[kind]);
        *count += 1;
        if *count <= limit.most {
            return None;
        }
        let more = limit.one_more_for.map_or(0, |bytes| self.sent / bytes);
        let over = u64::from(*count - limit.most);
        (over > more).then_some(limit.ended)
    }

    /// So much was sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, length: u32, flags: u8) -> Frame {
        Frame {
            length,
            kind,
            flags,
            stream: 1,
        }
    }

    /// How many of these pass in one second.
    fn pass(frame: Frame, sent: usize) -> usize {
        let mut seen = Seen::default();
        seen.sent(sent);
        (0..1_000_000)
            .take_while(|_| seen.came(frame, 0).is_none())
            .count()
    }

    #[test]
    fn each_kind_has_its_limit() {
        for (kind, length, expected) in [
            (RST_STREAM, 4, 200),
            (PING, 8, 500),
            (SETTINGS, 6, 50),
            (PRIORITY, 5, 1000),
            (WINDOW_UPDATE, 4, 4000),
            (DATA, 0, 100),
            (CONTINUATION, 0, 100),
            (0xfa, 3, 500),
            (DATA, 1, 1_000_000),
            (HEADERS, 1, 1_000_000),
        ] {
            assert_eq!(pass(frame(kind, length, 0), 0), expected, "{kind}");
        }
    }

    #[test]
    fn the_end_of_a_body_is_not_nothing() {
        assert_eq!(pass(frame(DATA, 0, 1), 0), 1_000_000);
    }

    #[test]
    fn whoever_is_sent_much_may_say_much_about_it() {
        assert_eq!(pass(frame(PING, 8, 0), 512 * 100), 600);
        assert_eq!(pass(frame(RST_STREAM, 4, 0), 1 << 30), 200);
    }

    #[test]
    fn the_next_second_is_another_one() {
        let mut seen = Seen::default();
        let reset = frame(RST_STREAM, 4, 0);
        for second in 0..3 {
            for _ in 0..200 {
                assert_eq!(seen.came(reset, second), None);
            }
        }
        assert_eq!(seen.came(reset, 2), Some(Ended::RapidReset));
    }
}
