//! A load that never pauses while something else happens, and how often that shall happen.

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::client::Client;
use crate::wire::within;

/// Clients who ask for one page over and over.
#[derive(Debug)]
pub struct Load {
    stop: watch::Sender<bool>,
    answers: watch::Receiver<usize>,
    clients: JoinSet<u32>,
}

impl Load {
    /// Asks for `path`, a client for each of `tokens`. Every answer is a page, or says that there were too many, or that
    /// whoever was asked is gone.
    pub fn start(path: &'static str, tokens: Vec<String>, client: impl Fn() -> Client) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (done, answers) = watch::channel(0_usize);
        let mut clients = JoinSet::new();
        for token in tokens {
            let (client, stopped, done) = (client(), stopped.clone(), done.clone());
            clients.spawn(async move {
                let mut lost = 0;
                while !*stopped.borrow() {
                    let answer: Answer = client.get(path).bearer(&token).send().await;
                    match answer.status {
                        200 => done.send_modify(|answers| *answers += 1),
                        429 => {}
                        502 => lost += 1,
                        _ => panic!("{answer:?}"),
                    }
                }
                lost
            });
        }
        Self {
            stop,
            answers,
            clients,
        }
    }

    /// Waits for so many more pages.
    pub async fn goes_on(&mut self, count: usize) {
        let enough = *self.answers.borrow() + count;
        let more = self.answers.wait_for(|answers| *answers >= enough);
        // No client is left to count when one of them has failed: `stop` says with what.
        let _ = within("the load", more).await;
    }

    /// Ends it, and says how many pages were lost with whoever was asked for them.
    pub async fn stop(self) -> u32 {
        let _ = self.stop.send(true);
        self.clients.join_all().await.iter().sum()
    }
}

/// How often something is done: as `variable` says, where there is time for more than `usual`.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests says how long"
)]
pub fn times(variable: &str, usual: u32) -> u32 {
    let wanted = std::env::var(variable).ok();
    wanted.map_or(usual, |text| text.parse().expect("a number of times"))
}
