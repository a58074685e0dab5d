//! What the policies of a call cost: the CPU time of `upstream::call` with everything on, against its transport alone.
//!
//! `cargo bench -p upstream` measures for a few seconds, with `-- --quick` for a blink; it fails when a call costs more
//! than two microseconds on top. The transport answers from memory after having waited once, as every real one does, so
//! that a deadline's timer is paid for. One core, so what cores cost each other is not in it.

#![expect(clippy::print_stdout, reason = "what was measured is its answer")]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;
use upstream::breaker::{self, Breaker};
use upstream::bulkhead::{self, Bulkhead, Places};
use upstream::call::{Calling, Whose};
use upstream::fleet::{self, Fleet, Member};
use upstream::transport::Connection;
use upstream::{Connecting, Endpoint, Failed, Place, Transport, Upstream, retry};

/// What the policies may cost a call, in microseconds.
const AT_MOST: f64 = 2.0;

/// How much is measured: the rounds of both, one after the other, and the calls of each.
struct Extent {
    rounds: usize,
    calls: u32,
}

const USUAL: Extent = Extent {
    rounds: 31,
    calls: 50_000,
};

const QUICK: Extent = Extent {
    rounds: 5,
    calls: 10_000,
};

type Body = Full<Bytes>;

/// Answers from memory.
struct Scripted;

impl Transport<Body> for Scripted {
    type Body = Body;

    async fn call(
        &self,
        _: &Arc<Endpoint>,
        _: Connection<'_>,
        head: &Request<()>,
        _: Body,
    ) -> Result<Response<Body>, Failed> {
        black_box(head);
        tokio::task::yield_now().await;
        Ok(Response::new(Body::from("well")))
    }
}

/// One upstream and all its policies.
struct Stack {
    endpoints: Vec<Arc<Endpoint>>,
    upstream: Upstream,
    retry: retry::Settings,
    breaker: Breaker,
    bulkhead: Arc<Bulkhead>,
}

impl Stack {
    fn new() -> Option<Self> {
        let places = (1..=3).map(|n| Place::new("10.0.0.1", 8000 + n, ""));
        let endpoints: Vec<_> = places
            .map(|place| Endpoint::new(place).ok().map(Arc::new))
            .collect::<Option<_>>()?;
        let member = |endpoint: &Arc<Endpoint>| Member {
            endpoint: Arc::clone(endpoint),
            weight: 1,
        };
        let members = endpoints.iter().map(member).collect();
        let bulkhead = Bulkhead::new(bulkhead::Settings::default());
        Some(Self {
            upstream: Upstream {
                name: "users".to_owned(),
                fleet: Arc::new(Fleet::new(fleet::Settings::default(), members)),
                connecting: Connecting {
                    timeout: Duration::from_secs(2),
                    idle_max: 8,
                    idle_timeout: Duration::from_mins(1),
                },
                bulkhead: Some(Arc::clone(&bulkhead)),
                budget: Arc::default(),
                tally: Arc::default(),
            },
            endpoints,
            retry: retry::Settings {
                per_try_timeout: Some(Duration::from_secs(3)),
                on: retry::On {
                    timeout: true,
                    ..retry::On::default()
                },
                ..retry::Settings::default()
            },
            breaker: Breaker::new(breaker::Settings {
                slow_rate: 0.8,
                ..breaker::Settings::default()
            }),
            bulkhead,
        })
    }

    async fn bare(&self) {
        let (head, body) = request();
        let by = Connection {
            connecting: &self.upstream.connecting,
            fresh: false,
        };
        let answer = Scripted.call(&self.endpoints[0], by, &head, body).await;
        drop(black_box(answer));
    }

    async fn whole(&self) {
        let (mut head, body) = request();
        let calling = Calling {
            upstream: &self.upstream,
            retry: &self.retry,
            breaker: Some(&self.breaker),
            hedge: None,
            places: Some(Places::all(&self.bulkhead)),
            key: None,
            deadline: Instant::now() + Duration::from_secs(15),
            whose: Whose::Ours,
        };
        let answer = upstream::call(&Scripted, &calling, &mut head, body, |_, _| {}).await;
        drop(black_box(answer));
    }
}

fn request() -> (Request<()>, Body) {
    (black_box(Request::new(())), Body::default())
}

/// Microseconds on the CPU that each of `calls` took.
async fn cost<F: Future<Output = ()>>(calls: u32, call: impl Fn() -> F) -> f64 {
    let before = on_cpu();
    for _ in 0..calls {
        call().await;
    }
    on_cpu().saturating_sub(before).as_secs_f64() * 1e6 / f64::from(calls)
}

/// How long this thread has been on a CPU.
fn on_cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> ExitCode {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let Extent { rounds, calls } = if is_quick { QUICK } else { USUAL };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let (Ok(runtime), Some(stack)) = (runtime, Stack::new()) else {
        println!("there is no runtime, or an address is none");
        return ExitCode::FAILURE;
    };
    let measured = runtime.block_on(async {
        let mut measured = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            let bare = cost(calls, || stack.bare()).await;
            measured.push((bare, cost(calls, || stack.whole()).await));
        }
        measured
    });
    let bare = median(measured.iter().map(|(bare, _)| *bare).collect());
    let whole = median(measured.iter().map(|(_, whole)| *whole).collect());
    let more = median(measured.iter().map(|(bare, whole)| whole - bare).collect());
    println!("CPU time per call, the median of {rounds} rounds of {calls} calls");
    println!("  transport alone    {bare:.3} us");
    println!("  everything on      {whole:.3} us");
    println!("  difference         {more:.3} us, at most {AT_MOST} us");
    if more <= AT_MOST {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
