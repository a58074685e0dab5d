//! Kept connections that the backend closes just when they are used again.

use std::time::Duration;

use tests::moody::{Mood, Moody};
use tests::steady::Steady;

use crate::upstream::{QUIET, upstream};

#[tokio::test]
async fn connections_that_close_at_random_moments_are_no_clients_problem() {
    let origin = Moody::being(Mood {
        patience: Some(Duration::from_millis(10)),
        ..Mood::default()
    })
    .await;
    let edge = upstream(&[origin.url()], QUIET).start().await;
    let load = Steady::start(edge.address, "/", 600, 16);
    load.goes_on(1800).await.all(200);
    load.stop().await.all(200);
    // Otherwise nothing was closed and nothing tried.
    assert!(origin.connections() > 200, "{}", origin.connections());
    edge.stop().await;
}
