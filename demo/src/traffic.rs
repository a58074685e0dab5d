//! Callers of the route whose canary the judge leads, so that there is something to judge.

use std::net::SocketAddr;
use std::time::Duration;

use chassis::tasks::Tasks;

/// What they ask for: the route `recommended` of routes.toml.
const PATH: &str = "/api/recommended?product=7";

/// How many there are.
const CALLERS: u32 = 2_000;

/// Nobody waits longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many at once at most.
const AT_ONCE: u32 = 8;

/// They ask one after another, `rate` requests a second, until the end.
pub(crate) fn ask(edge: SocketAddr, rate: u32, tasks: &Tasks) -> anyhow::Result<()> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()?;
    let url = format!("http://{edge}{PATH}");
    for first in (0..AT_ONCE).filter(|_| rate > 0) {
        let (client, url, stopping) = (client.clone(), url.clone(), tasks.stopping());
        tasks.spawn("callers", async move {
            let always = async {
                let mut pace = tokio::time::interval(Duration::from_secs(AT_ONCE.into()) / rate);
                pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                let step = usize::try_from(AT_ONCE).unwrap_or(1);
                for caller in (first..CALLERS).step_by(step).cycle() {
                    pace.tick().await;
                    let asked = client
                        .get(&url)
                        .header("x-device-id", format!("caller-{caller}"));
                    // Whatever comes of it, the judge has seen it.
                    let _ = asked.send().await;
                }
            };
            tokio::select! { () = always => {}, () = stopping => {} }
        });
    }
    Ok(())
}
