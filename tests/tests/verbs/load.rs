//! Words under load: no request fails, and from the moment on in which a command returns it is obeyed.

use std::collections::BTreeMap;
use std::time::Instant;

use chassis::clock::Clock;
use tests::edge::Edge;
use tests::origin::Origin;
use tests::sides::Sides;
use tests::users::{Users, rate, sides};

/// What the gateway must stand while words are said, in each second.
const AT_LEAST: u128 = 500;

/// So many are asked for, so that a busy machine still comes to that.
const RATE: u32 = 640;

/// Each is asked for several times between two words.
const USERS: usize = 160;

/// Whoever counts to this has heard of each user.
const ROUND: usize = USERS * 2;

type Who = BTreeMap<usize, String>;

/// Users, and the gateway before them.
struct Test {
    edge: Edge,
    users: Users,
    _sides: Sides,
}

impl Test {
    /// Half of the users on either side.
    async fn start() -> Self {
        let sides = Sides {
            legacy: Origin::saying("legacy").await,
            service: Origin::saying("service").await,
        };
        let plan = sides.edge("phase = \"canary\"\ncanary.percent = 50\nsalt = \"orders-v2\"\n");
        let edge = plan.env("BANYAN_ACCESS_LOG", "off").start().await;
        let users = Users::asking(|| edge.client(), "/api/orders/1", USERS, RATE);
        Self {
            edge,
            users,
            _sides: sides,
        }
    }

    /// Who answers whom, from now on.
    async fn who(&mut self) -> Who {
        self.since(Clock::system().now()).await
    }

    async fn since(&mut self, since: Instant) -> Who {
        self.users.go_on(ROUND).await;
        let who = sides(&self.users.heard(), since);
        assert_eq!(who.len(), USERS);
        who
    }

    /// Gives the command; who answers whom that asked after its return.
    async fn after(&mut self, command: &[&str]) -> Who {
        let why = ["--why", "seen under load", "--who", "ana"];
        let command = [command, &why].concat();
        self.edge.prints(&command).await;
        let returned = Clock::system().now();
        self.since(returned).await
    }

    /// Nobody was failed, at the rate that is asked for.
    async fn end(self) {
        let heard = self.users.stop().await;
        let failed: Vec<_> = heard.iter().filter(|one| one.status != Some(200)).collect();
        assert!(failed.is_empty(), "{failed:?}");
        let rate = rate(&heard);
        assert!(rate >= AT_LEAST, "only {rate} requests a second");
        self.edge.stop().await;
    }
}

fn all_legacy(who: &Who) -> bool {
    who.values().all(|side| side == "legacy")
}

fn on_service(who: &Who) -> usize {
    who.values().filter(|side| *side == "service").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_is_obeyed_at_once_and_resume_brings_the_same_users_back() {
    let mut test = Test::start().await;
    let before = test.who().await;
    assert!(
        (USERS / 3..USERS * 2 / 3).contains(&on_service(&before)),
        "{before:?}"
    );
    assert!(all_legacy(&test.after(&["kill", "orders"]).await));
    assert_eq!(test.after(&["resume", "orders"]).await, before);
    assert!(all_legacy(&test.after(&["kill", "--all"]).await));
    assert_eq!(test.after(&["resume", "--all"]).await, before);
    // Each word is taken back by itself.
    test.after(&["kill", "orders"]).await;
    test.after(&["kill", "--all"]).await;
    assert!(all_legacy(&test.after(&["resume", "--all"]).await));
    assert_eq!(test.after(&["resume", "orders"]).await, before);
    test.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rollback_other_users_come_first_unless_the_cohort_is_kept() {
    let mut test = Test::start().await;
    let before = test.who().await;
    assert!(all_legacy(&test.after(&["rollback", "orders"]).await));
    let kept = test.after(&["resume", "orders", "--keep-cohort"]).await;
    assert_eq!(kept, before);
    assert!(all_legacy(&test.after(&["rollback", "orders"]).await));
    let others = test.after(&["resume", "orders"]).await;
    assert!(
        (USERS / 3..USERS * 2 / 3).contains(&on_service(&others)),
        "{others:?}"
    );
    let moved = before.iter().filter(|(user, side)| others[user] != **side);
    // Another shuffle: half of them find themselves elsewhere.
    assert!(moved.count() > USERS / 4, "{others:?}");
    let row = test.edge.row("orders").await;
    assert_eq!(
        (row["epoch"].as_u64(), row["rollbacks"].as_u64()),
        (Some(2), Some(2))
    );
    test.end().await;
}
