//! When a body that stops moving, or takes too long as a whole, comes to its end.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// When the whole of an answer must have come. The time that a client takes to read what it has is its own: it is added.
#[derive(Debug)]
pub(super) struct Deadline {
    ends: Instant,
    handed_on: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    pub(super) fn new(ends: Instant) -> Self {
        Self {
            ends,
            handed_on: None,
            sleep: None,
        }
    }

    pub(super) fn handed_on(&mut self) {
        self.handed_on = Some(Instant::now());
    }

    pub(super) fn asked_for_more(&mut self) {
        if let Some(since) = self.handed_on.take() {
            self.ends += since.elapsed();
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ends = self.ends;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(ends)));
        if sleep.deadline() != ends {
            sleep.as_mut().reset(ends);
        }
        sleep.as_mut().poll(cx)
    }
}

/// Runs out when nothing moves. A body that is never waited for never sets a timer.
#[derive(Debug, Default)]
pub(super) struct IdleTimer {
    limit: Duration,
    moved: bool,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl IdleTimer {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            moved: false,
            sleep: None,
        }
    }

    pub(super) fn moved(&mut self) {
        self.moved = true;
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ends = || Instant::now() + self.limit;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(ends())));
        if std::mem::take(&mut self.moved) {
            sleep.as_mut().reset(Instant::now() + self.limit);
        }
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test(start_paused = true)]
    async fn a_slow_readers_time_is_not_the_upstreams() {
        let begin = Instant::now();
        let mut deadline = Deadline::new(begin + Duration::from_secs(15));
        deadline.handed_on();
        tokio::time::advance(Duration::from_mins(1)).await;
        deadline.asked_for_more();
        poll_fn(|cx| deadline.poll(cx)).await;
        assert_eq!(begin.elapsed().as_secs(), 75);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_moves_is_not_idle() {
        let begin = Instant::now();
        let mut idle = IdleTimer::new(Duration::from_secs(30));
        let waited = tokio::time::timeout(Duration::from_secs(20), poll_fn(|cx| idle.poll(cx)));
        assert!(waited.await.is_err());
        idle.moved();
        poll_fn(|cx| idle.poll(cx)).await;
        assert_eq!(begin.elapsed().as_secs(), 50);
    }
}
