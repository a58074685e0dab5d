//! Several gateways and one Redis.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failure here is a failed test"
)]

mod board;
mod trouble;

use std::future::Future;
use std::time::Duration;

use gateway::replicas::{Board, Committed, Fence, Lease, Write};
use gateway::store::config::RedisUrl;
use tests::redis::Redis;
use tests::wire::within;

/// Longer than any test waits for anything but its end.
const LONG: Duration = Duration::from_mins(1);

fn board(redis: &Redis, me: &str) -> Board {
    Board::new(&RedisUrl::parse(&redis.url()).unwrap(), me).unwrap()
}

fn document(name: &str, expected: u64, body: &str) -> Write {
    Write {
        name: name.to_owned(),
        expected,
        body: body.to_owned(),
    }
}

/// The version under which something was written.
fn version(committed: Committed) -> u64 {
    match committed {
        Committed::Done(written) => written[0].1,
        other => panic!("not written: {other:?}"),
    }
}

fn ours(lease: &Lease) -> Option<Fence> {
    match lease {
        Lease::Ours(fence) => Some(*fence),
        Lease::Theirs(_) => None,
    }
}

/// Asks until there is an answer.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            // There is no event to wait for: it is another process whose time runs.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(what, asking).await
}
