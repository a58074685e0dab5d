//! Users who ask at a steady pace while something else happens, and what each of them heard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chassis::clock::Clock;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::client::Client;
use crate::wire::within;

/// Clients that ask at the same time, each for users of its own.
pub const AT_ONCE: usize = 8;

/// What users are called here: the program that they use.
pub const AGENT: &str = "steady users";

/// What somebody heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who.
    pub user: usize,
    /// When the question was sent.
    pub asked: Instant,
    /// When the answer was there.
    pub answered: Instant,
    /// The answer's status; none where there was no answer.
    pub status: Option<u16>,
    /// Who answered.
    pub side: String,
}

/// Users who ask for one page, one after another. A client that gets no answer asks no more.
#[derive(Debug)]
pub struct Users {
    stop: watch::Sender<bool>,
    heard: Arc<Mutex<Vec<Heard>>>,
    count: watch::Receiver<usize>,
    clients: JoinSet<()>,
}

impl Users {
    /// Users number 0 to `users` ask for `path`, so many of them in each second.
    pub fn asking(
        client: impl Fn() -> Client,
        path: &'static str,
        users: usize,
        rate: u32,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (done, count) = watch::channel(0_usize);
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let mut clients = JoinSet::new();
        let pause = Duration::from_secs(AT_ONCE as u64) / rate;
        for first in 0..AT_ONCE {
            let (client, stopped, done) = (client(), stopped.clone(), done.clone());
            let heard = Arc::clone(&heard);
            clients.spawn(async move {
                let mut pace = tokio::time::interval(pause);
                // Who was held up makes up for it: the rate is what it is said to be.
                pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
                for user in (first..users).step_by(AT_ONCE).cycle() {
                    pace.tick().await;
                    if *stopped.borrow() {
                        return;
                    }
                    let one = ask(&client, path, user).await;
                    let answered = one.status.is_some();
                    lock(&heard).push(one);
                    done.send_modify(|count| *count += 1);
                    if !answered {
                        return;
                    }
                }
            });
        }
        Self {
            stop,
            heard,
            count,
            clients,
        }
    }

    /// What was heard so far, in the order of the answers.
    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.heard).clone()
    }

    /// Waits for so many more answers.
    pub async fn go_on(&mut self, count: usize) {
        let enough = *self.count.borrow() + count;
        let more = self.count.wait_for(|count| *count >= enough);
        // No client is left to count when nobody is answered any more: `stop` hands that back.
        let _ = within("answers to the users", more).await;
    }

    /// Ends it; what was heard.
    pub async fn stop(self) -> Vec<Heard> {
        let _ = self.stop.send(true);
        within("the users' last answers", self.clients.join_all()).await;
        std::mem::take(&mut *lock(&self.heard))
    }
}

/// Who answered each user of those who asked since then. A user who was answered by both fails the test.
pub fn sides(heard: &[Heard], since: Instant) -> BTreeMap<usize, String> {
    let mut sides: BTreeMap<usize, String> = BTreeMap::new();
    for one in heard.iter().filter(|one| one.asked >= since) {
        let side = sides.entry(one.user).or_insert_with(|| one.side.clone());
        assert_eq!(*side, one.side, "user {} changed sides", one.user);
    }
    sides
}

/// Answers in each second, from the first to the last one.
pub fn rate(heard: &[Heard]) -> u128 {
    let first = heard.iter().map(|one| one.asked).min();
    let last = heard.iter().map(|one| one.answered).max();
    let took = last.zip(first).map(|(last, first)| last - first);
    heard.len() as u128 * 1_000 / took.map_or(1, |took| took.as_millis().max(1))
}

async fn ask(client: &Client, path: &str, user: usize) -> Heard {
    let clock = Clock::system();
    let asked = clock.now();
    let answer = client
        .get(path)
        .header("x-device-id", &format!("user-{user}"))
        .header("user-agent", AGENT)
        .try_send()
        .await;
    let answer = answer.ok();
    let side = answer
        .as_ref()
        .and_then(|answer| answer.field("x-served-by"));
    Heard {
        user,
        asked,
        answered: clock.now(),
        side: side.unwrap_or_default().to_owned(),
        status: answer.map(|answer| answer.status),
    }
}

fn lock(heard: &Mutex<Vec<Heard>>) -> std::sync::MutexGuard<'_, Vec<Heard>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
