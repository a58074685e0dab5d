//! What goes wrong when a rule of cohorts is missing, one by one.

use std::sync::Arc;

use composition::Kept;
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep};

use super::gateway::{Health, Phase, Refusal};
use super::{Asks, World, stated};
use crate::script::ms;

/// Fresh for a second, and for long when asking fails.
fn kept() -> Kept {
    Kept::by_all(ms(1_000)).stale_if_error(ms(600_000))
}

fn stateless(user: &'static str) -> Asks {
    Asks {
        is_stated: false,
        ..stated(user, 1)
    }
}

/// All at once; each is asked for and checked.
async fn together(world: &Arc<World>, asks: impl IntoIterator<Item = Asks>) {
    futures::future::join_all(asks.into_iter().map(|asks| world.ask(asks))).await;
}

#[tokio::test(start_paused = true)]
async fn a_canarys_answers_are_shared_within_a_side() {
    let world = World::new(Kept::by_all(ms(10_000)));
    for user in ["alice", "bob", "alice", "bob", "alice"] {
        world.ask(stated(user, 1)).await;
    }
    assert_eq!(world.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_change_elsewhere_costs_each_route_one_call_and_a_change_here_drops_what_was_kept() {
    let world = World::new(Kept::by_all(ms(10_000)));
    world.change(|gateway| gateway.phase = Phase::Migrated);
    world.ask(stated("alice", 1)).await;
    world.ask(stated("bob", 1)).await;
    assert_eq!(world.asked(), 1);
    world.change(|gateway| gateway.elsewhere = 1);
    for _ in 0..3 {
        world.ask(stated("bob", 1)).await;
    }
    assert_eq!(world.asked(), 2);
    world.change(|gateway| gateway.phase = Phase::RolledBack);
    world.ask(stated("alice", 1)).await;
    assert_eq!(world.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_route_that_was_rolled_back_is_served_though_everything_fails() {
    let world = World::new(kept());
    world.change(|gateway| gateway.phase = Phase::Migrated);
    world.ask(stated("alice", 1)).await;
    world.change(|gateway| {
        gateway.phase = Phase::RolledBack;
        gateway.legacy = Health::Fails;
    });
    assert_eq!(world.get(stated("alice", 1)).await.status, 502);
}

#[tokio::test(start_paused = true)]
async fn a_side_that_has_lost_a_thing_purges_its_own_copy_alone() {
    let world = World::new(kept());
    let [alice, bob] = ["alice", "bob"].map(|user| stated(user, 1));
    world.ask(alice).await;
    world.ask(bob).await;
    advance(ms(2_000)).await;
    world.change(|gateway| gateway.service = Health::HasNothing);
    assert_eq!(world.get(alice).await.status, 404);
    world.change(|gateway| gateway.legacy = Health::Fails);
    let old = world.get(bob).await;
    assert_eq!(old.field("x-degraded"), Some("order;stale=2"));
    world.change(|gateway| gateway.service = Health::Fails);
    assert_eq!(world.get(alice).await.status, 502);
}

#[tokio::test(start_paused = true)]
async fn what_has_nothing_in_a_state_that_no_request_named_purges_nothing() {
    let world = World::new(kept());
    let [alice, bob] = ["alice", "bob"].map(|user| stated(user, 1));
    world.change(|gateway| gateway.phase = Phase::Migrated);
    world.ask(bob).await;
    advance(ms(2_000)).await;
    let before = world.state();
    world.change(|gateway| {
        gateway.phase = Phase::Legacy;
        gateway.legacy = Health::HasNothing;
    });
    assert_eq!(world.get_in(before, alice).await.status, 404);
    world.change(|gateway| {
        gateway.phase = Phase::Migrated;
        gateway.service = Health::Fails;
    });
    assert_eq!(world.get(bob).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_call_from_before_a_rollback_is_nobodys_after_it_though_the_route_stands_as_it_did() {
    let world = World::new(kept());
    world.change(|gateway| {
        gateway.phase = Phase::Migrated;
        gateway.service = Health::Slow;
    });
    let mut first = JoinSet::new();
    first.spawn(world.ask(stated("alice", 1)));
    tokio::task::yield_now().await;
    world.change(|gateway| gateway.phase = Phase::Legacy);
    world.ask(stated("alice", 2)).await;
    world.change(|gateway| gateway.phase = Phase::Migrated);
    together(&world, ["alice", "bob"].map(|user| stated(user, 1))).await;
    first.join_all().await;
    world.ask(stated("bob", 1)).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_call_from_before_a_rollback() {
    let world = World::new(kept());
    world.change(|gateway| {
        gateway.phase = Phase::Migrated;
        gateway.service = Health::Hangs;
    });
    let mut first = JoinSet::new();
    first.spawn(world.ask(stated("alice", 1)));
    tokio::task::yield_now().await;
    world.change(|gateway| gateway.phase = Phase::Legacy);
    world.ask(stated("alice", 2)).await;
    world.change(|gateway| {
        gateway.phase = Phase::Migrated;
        gateway.service = Health::Well;
    });
    let began = Instant::now();
    together(&world, ["alice", "bob"].map(|user| stated(user, 1))).await;
    assert_eq!(began.elapsed(), ms(20));
    assert_eq!(world.asked(), 3, "they wait for each other");
    first.join_all().await;
}

#[tokio::test(start_paused = true)]
async fn an_old_page_that_goes_on_says_nothing_of_where_routes_lead_now() {
    let world = World::new(Kept::by_all(ms(10_000)));
    world.change(|gateway| {
        gateway.phase = Phase::Migrated;
        gateway.service = Health::Slow;
    });
    let mut first = JoinSet::new();
    first.spawn(world.ask(stated("alice", 1)));
    tokio::task::yield_now().await;
    world.change(|gateway| gateway.phase = Phase::Legacy);
    world.ask(stated("bob", 1)).await;
    // Its other parts wait for its order.
    first.join_all().await;
    world.ask(stated("bob", 1)).await;
    assert_eq!(world.asked(), 2, "what was kept meanwhile still counts");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_a_state_that_no_request_named_is_nobody_elses_not_even_of_the_same_user() {
    let world = World::new(kept());
    world.change(|gateway| gateway.phase = Phase::Legacy);
    let ask = world.ask(stated("alice", 1));
    world.change(|gateway| {
        gateway.phase = Phase::Migrated;
        gateway.service = Health::Slow;
    });
    let mut first = JoinSet::new();
    first.spawn(ask);
    // The call goes out.
    sleep(ms(1)).await;
    world.change(|gateway| gateway.phase = Phase::Legacy);
    world.ask(stated("alice", 1)).await;
    first.join_all().await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_before_a_side_was_chosen_does_not_hide_that_there_are_sides() {
    let world = World::new(kept());
    let [alice, bob] = ["alice", "bob"].map(|user| stated(user, 1));
    let refusal = Refusal {
        user: "alice",
        status: 401,
    };
    world.change(|gateway| gateway.refuses = Some(refusal));
    world.ask(alice).await;
    world.change(|gateway| {
        gateway.refuses = None;
        gateway.service = Health::Hangs;
    });
    together(&world, [alice, bob]).await;
}

#[tokio::test(start_paused = true)]
async fn a_route_without_sides_does_not_hide_that_another_one_has_some() {
    let world = World::new(kept());
    world.ask(stated("bob", 2)).await;
    world.change(|gateway| gateway.service = Health::Hangs);
    together(&world, ["alice", "bob"].map(|user| stated(user, 1))).await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_without_a_state_waits_for_nobody() {
    let world = World::new(kept());
    world.change(|gateway| gateway.phase = Phase::Legacy);
    world.ask(stated("bob", 1)).await;
    world.change(|gateway| {
        gateway.phase = Phase::Canary { epoch: 1 };
        gateway.service = Health::Hangs;
    });
    together(&world, ["alice", "bob"].map(stateless)).await;
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_gone_keeps_nobody_from_joining() {
    let world = World::new(Kept::by_all(ms(0)));
    world.ask(stated("bob", 2)).await;
    world.change(|gateway| gateway.has_archive = false);
    for order in [1, 2] {
        world.ask(stated("bob", order)).await;
    }
    let before = world.asked();
    together(&world, [stated("bob", 2), stated("bob", 2)]).await;
    assert_eq!(world.asked(), before + 1);
    // Carol is on bob's side, and both are known to be.
    world.ask(stated("carol", 2)).await;
    together(&world, ["bob", "carol"].map(|user| stated(user, 2))).await;
    assert_eq!(world.asked(), before + 3);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_seldom_asked_keeps_nobody_from_joining_after_an_edit() {
    let world = World::new(Kept::by_all(ms(0)));
    world.ask(stated("bob", 2)).await;
    world.change(|gateway| gateway.elsewhere = 1);
    for user in ["bob", "carol"] {
        world.ask(stated(user, 1)).await;
    }
    together(&world, ["bob", "carol"].map(|user| stated(user, 1))).await;
    assert_eq!(world.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_other_side_that_is_of_no_use_is_nobody_elses_failure() {
    for health in [Health::Garbled, Health::BreaksOff, Health::Fails] {
        let world = World::new(kept());
        world.change(|gateway| gateway.phase = Phase::Legacy);
        let before = world.state();
        world.change(|gateway| {
            gateway.phase = Phase::Canary { epoch: 1 };
            gateway.service = health;
        });
        let [alice, bob] = ["alice", "bob"].map(|user| world.get_in(before, stated(user, 1)));
        let (alice, bob) = futures::join!(alice, bob);
        assert_eq!((alice.status, bob.status), (502, 200), "{health:?}");
    }
}
