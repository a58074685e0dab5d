//! The process is killed at any moment under load: at most the last second of counting is lost, and no word.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chassis::clock::Clock;
use serde_json::{Value, json};
use tests::edge::{Edge, Plan};
use tests::load::times;
use tests::progress::in_force;
use tests::sides::{Sides, routes};
use tests::users::{AT_ONCE, Heard, Users, rate};
use tokio::task::JoinSet;

/// The variable that says how often it is killed.
const KILLS: &str = "BANYAN_STATE_KILLS";
const KILLS_DEFAULT: u32 = 6;

/// Kills come at most so long after a start; each at another moment.
const MOMENTS: u64 = 3_500;

/// What was counted is kept every second; a busy machine needs another.
const LOST: Duration = Duration::from_secs(2);

/// Users of legacy are handed over every second before that.
const USERS_LOST: Duration = Duration::from_secs(3);

/// How often counts are looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Requests in each second.
const RATE: u32 = 400;

/// Routes of which something is said and answered; each word takes its turn on each.
const SPOKEN: [&str; 2] = ["cart", "pages"];
const WORDS: [&str; 4] = ["kill", "hold", "rollback", "resume"];

/// The route of which something is said in the moment of the kill.
const CUT_SHORT: &str = "search";

/// What was counted of the route under load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counted {
    legacy: u64,
    service: u64,
    users: u64,
    pairs: u64,
}

impl Counted {
    async fn of(edge: &Edge) -> Self {
        // Before the windows: of a tick that they show, everything before them is shown too.
        let users = edge.told("/migrations/orders/users").await;
        let users = users.as_array().unwrap().iter();
        let row = edge.row("orders").await;
        Self {
            legacy: row["legacy"]["requests"].as_u64().unwrap(),
            service: row["service"]["requests"].as_u64().unwrap(),
            users: users.map(|user| user["count"].as_u64().unwrap()).sum(),
            pairs: row["shadow"]["compared"].as_u64().unwrap(),
        }
    }

    fn answers(&self) -> u64 {
        self.legacy + self.service
    }
}

/// Canaries, one of them compared; all paths below `/api`.
fn plan(sides: &Sides) -> Plan {
    let canary = "phase = \"canary\"\ncanary.percent = 50\n";
    let compared = "shadow.noise_percent = 0\nsalt = \"orders-v2\"\n";
    let mut text = routes(
        &sides.legacy.url(),
        &sides.service.url(),
        &format!("{canary}{compared}"),
    );
    for route in SPOKEN.into_iter().chain([CUT_SHORT]) {
        let path = format!("path = \"/api/{route}\"\nauth = \"none\"\nsticky = [\"visitor\"]\n");
        let backends = "legacy = \"monolith\"\nservice = \"orders\"\n";
        text.extend([&format!("[route.{route}]\n"), &path, backends, canary]);
    }
    Edge::with_routes(&text).env("BANYAN_ACCESS_LOG", "off")
}

/// What must be there after the next start.
#[derive(Debug, Default)]
struct Known {
    /// What was there after the last one.
    base: Counted,
    /// By route.
    in_force: BTreeMap<&'static str, String>,
    /// Since when each is in its phase.
    since: BTreeMap<&'static str, Value>,
    /// The audit, the oldest first.
    audit: Vec<Value>,
    /// Words of this round that were answered, and one that may have been heard.
    answered: usize,
    unanswered: Option<String>,
}

/// What a round came to.
struct Round {
    /// What the users heard.
    heard: Vec<Heard>,
    /// What was certainly written: a later second showed already.
    certain: Counted,
    killed_at: Instant,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_loses_at_most_the_last_second_and_no_word() {
    let sides = Sides::saying(r#"{"a": 1}"#, r#"{"a": 1}"#).await;
    let mut known = Known::default();
    let mut edge = plan(&sides).start().await;
    known.learn(&edge).await;
    for round in 0..times(KILLS, KILLS_DEFAULT) {
        // Steps that are prime to the whole come to every part of it.
        let moment = Duration::from_millis(u64::from(round + 1) * 1_379 % MOMENTS);
        let (plan, seen) = killed_after(moment, edge, round, &mut known).await;
        edge = plan.start().await;
        let now = Counted::of(&edge).await;
        assert_counts(&now, &known.base, &seen);
        assert!(now.pairs <= copies(&sides), "{now:?}");
        known
            .holds(&edge, &format!("round {round}, {moment:?}"))
            .await;
    }

    // Ended well, nothing at all is lost.
    let mut users = Users::asking(|| edge.client(), "/api/orders/1", 100, RATE);
    users.go_on(200).await;
    let heard = users.stop().await;
    edge = edge.stopped().await.start().await;
    let (now, base) = (Counted::of(&edge).await, known.base);
    let of = |side: &str| heard.iter().filter(|one| one.side == side).count() as u64;
    assert_eq!(now.legacy - base.legacy, of("legacy"));
    assert_eq!(now.service - base.service, of("service"));
    assert_eq!(now.users - base.users, of("legacy"));
    known.holds(&edge, "a clean end").await;
    edge.stop().await;
}

/// A load, a word in the middle of it, another one at the end, and the kill.
async fn killed_after(
    moment: Duration,
    edge: Edge,
    round: u32,
    known: &mut Known,
) -> (Plan, Round) {
    let clock = Clock::system();
    let users = Users::asking(|| edge.client(), "/api/orders/1", 100, RATE);
    let mut looks = vec![known.base];
    let (begin, mut spoken) = (clock.now(), false);
    while clock.now() - begin < moment {
        looks.push(Counted::of(&edge).await);
        if !spoken && clock.now() - begin >= moment / 2 {
            spoken = true;
            known.say(&edge, round).await;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    let why = format!("round {round}");
    let mut speaking = JoinSet::new();
    let order = json!({ "who": "ben", "why": why });
    let path = format!("/migrations/{CUT_SHORT}/hold");
    let word = edge.admin_client().post(&path).json(&order);
    speaking.spawn(word.try_send());
    tokio::time::sleep(Duration::from_millis(u64::from(round % 4))).await;
    let killed_at = clock.now();
    let plan = edge.killed().await;
    match speaking.join_next().await.unwrap().unwrap() {
        Ok(answer) => known.answer(CUT_SHORT, &answer.json()),
        Err(_) => known.unanswered = Some(why),
    }
    let heard = users.stop().await;
    assert!(heard.iter().filter(|one| one.status.is_none()).count() <= AT_ONCE);
    assert!(
        heard
            .iter()
            .all(|one| matches!(one.status, None | Some(200)))
    );
    let round = Round {
        heard,
        certain: certain(&looks),
        killed_at,
    };
    (plan, round)
}

impl Known {
    /// Says the round's word.
    async fn say(&mut self, edge: &Edge, round: u32) {
        let round = round as usize;
        let (route, word) = (
            SPOKEN[round % SPOKEN.len()],
            WORDS[round / SPOKEN.len() % WORDS.len()],
        );
        let done = edge
            .says(route, word, "ana", &format!("round {round}"))
            .await;
        self.answer(route, &done);
    }

    fn answer(&mut self, route: &'static str, done: &Value) {
        assert_eq!(done["kept"], true, "{done}");
        self.answered += 1;
        let after = done["after"].as_str().unwrap().to_owned();
        self.in_force.insert(route, after);
    }

    /// Nothing is lost of what somebody said, and the gateway has nothing to complain of.
    async fn holds(&mut self, edge: &Edge, when: &str) {
        assert_eq!(edge.details().await, [""; 0], "{when}");
        let board = edge.told("/migrations").await;
        assert_eq!(board["trouble"], Value::Null, "{when}");
        for route in self.since.keys() {
            let row = edge.row(route).await;
            assert_eq!(row["since"], self.since[route], "{when}: {row}");
            let now = in_force(&row);
            let heard = self.unanswered.as_ref();
            let heard =
                heard.filter(|why| *route == CUT_SHORT && now.ends_with(&format!("{why})")));
            assert!(
                now == self.in_force[route] || heard.is_some(),
                "{when}: {now}, {self:?}"
            );
        }
        let audit = audit(edge).await;
        let (before, fresh) = audit.split_at(self.audit.len());
        assert_eq!(before, self.audit, "{when}");
        let most = self.answered + usize::from(self.unanswered.is_some());
        assert!(
            (self.answered..=most).contains(&fresh.len()),
            "{when}: {fresh:?}"
        );
        self.learn(edge).await;
    }

    /// What is there from here on.
    async fn learn(&mut self, edge: &Edge) {
        self.base = Counted::of(edge).await;
        for route in SPOKEN.into_iter().chain([CUT_SHORT, "orders"]) {
            let row = edge.row(route).await;
            self.in_force.insert(route, in_force(&row));
            self.since.insert(route, row["since"].clone());
        }
        self.audit = audit(edge).await;
        (self.answered, self.unanswered) = (0, None);
    }
}

async fn audit(edge: &Edge) -> Vec<Value> {
    let mut audit = edge.told("/audit?limit=1000").await;
    let mut audit = std::mem::take(audit.as_array_mut().unwrap());
    audit.reverse();
    audit
}

/// The last look whose second is over: seconds come one after another, each with its end on the disk.
fn certain(looks: &[Counted]) -> Counted {
    let before = |answers: u64| looks.iter().rfind(|look| look.answers() < answers);
    let last = looks.last().copied().unwrap_or_default();
    let Some(certain) = before(last.answers()) else {
        return looks[0];
    };
    // Pairs show at once, so the ones of a second earlier are certain.
    let pairs = before(certain.answers()).map_or(looks[0].pairs, |look| look.pairs);
    Counted { pairs, ..*certain }
}

fn assert_counts(now: &Counted, base: &Counted, seen: &Round) {
    let said = format!(
        "{now:?} after {base:?} and {} answers, {:?} certain, {} a second",
        seen.heard.len(),
        seen.certain,
        rate(&seen.heard)
    );
    let count = |side: &str, until: Option<Instant>| {
        let heard = seen.heard.iter().filter(|one| one.side == side);
        let heard = heard.filter(|one| until.is_none_or(|until| one.answered < until));
        heard.count() as u64
    };
    let unheard = AT_ONCE as u64;
    for (side, now, base, certain, lost) in [
        ("legacy", now.legacy, base.legacy, seen.certain.legacy, LOST),
        (
            "service",
            now.service,
            base.service,
            seen.certain.service,
            LOST,
        ),
        (
            "legacy",
            now.users,
            base.users,
            seen.certain.users,
            USERS_LOST,
        ),
    ] {
        assert!(now >= certain, "{side}: {said}");
        let until = seen.killed_at.checked_sub(lost);
        assert!(now - base >= count(side, until), "{side}: {said}");
        assert!(now - base <= count(side, None) + unheard, "{side}: {said}");
    }
    assert!(now.users <= now.legacy + unheard, "{said}");
    assert!(now.pairs >= seen.certain.pairs, "{said}");
    let copied = count("legacy", None) + unheard;
    assert!(now.pairs - base.pairs <= copied, "{said}");
}

fn copies(sides: &Sides) -> u64 {
    let seen = sides.service.seen();
    let copies = seen
        .iter()
        .filter(|seen| seen.head.all("x-shadow") == ["1"]);
    copies.count() as u64
}
