//! What is shared holds together, whoever says something at the same time.

use std::time::Duration;

use gateway::replicas::{
    Commit, Committed, Document, EventId, LIST_LIMIT, Lease, Mark, Pushed, Taken, Trim,
};
use tests::redis::Redis;

use super::{LONG, board, document, ours, until, version};

#[tokio::test]
async fn of_two_who_write_over_the_same_version_one_is_told_of_the_other() {
    let redis = Redis::start().await;
    let (ana, bob) = (board(&redis, "ana"), board(&redis, "bob"));
    let first = version(ana.write(document("orders", 0, "a")).await.unwrap());
    let told = bob.write(document("orders", 0, "b")).await.unwrap();
    let standing = Document {
        name: "orders".to_owned(),
        version: first,
        body: "a".to_owned(),
    };
    assert_eq!(told, Committed::Conflict(vec![standing]));
    let second = version(bob.write(document("orders", first, "b")).await.unwrap());
    assert!(second > first);
}

#[tokio::test]
async fn only_what_was_written_since_is_read() {
    let redis = Redis::start().await;
    let (ana, bob) = (board(&redis, "ana"), board(&redis, "bob"));
    let nothing = bob.changed(&Mark::default()).await.unwrap();
    assert!(nothing.documents.is_empty() && !nothing.anew);

    let orders = version(ana.write(document("orders", 0, "1")).await.unwrap());
    ana.write(document("carts", 0, "2")).await.unwrap();
    let both = bob.changed(&nothing.mark).await.unwrap();
    let names: Vec<&str> = both.documents.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["orders", "carts"]);
    assert!(!both.anew);

    ana.write(document("orders", orders, "3")).await.unwrap();
    let one = bob.changed(&both.mark).await.unwrap();
    assert_eq!(one.documents.len(), 1);
    assert_eq!(one.documents[0].body, "3");
    let none = bob.changed(&one.mark).await.unwrap();
    assert_eq!((none.documents.len(), none.mark), (0, one.mark));
}

#[tokio::test]
async fn a_lease_goes_over_when_its_holder_falls_silent_or_gives_it_back() {
    let redis = Redis::start().await;
    let (ana, bob) = (board(&redis, "ana"), board(&redis, "bob"));
    let short = Duration::from_millis(300);
    let first = ours(&ana.lease(short).await.unwrap()).unwrap();
    assert_eq!(
        bob.lease(short).await.unwrap(),
        Lease::Theirs("ana".to_owned())
    );
    assert_eq!(ours(&ana.lease(short).await.unwrap()), Some(first));

    let second = until("bob's lease", async || {
        ours(&bob.lease(LONG).await.unwrap())
    })
    .await;
    assert_ne!(first, second);
    assert_eq!(
        ana.lease(LONG).await.unwrap(),
        Lease::Theirs("bob".to_owned())
    );

    ana.release().await.unwrap();
    assert_eq!(ours(&bob.lease(LONG).await.unwrap()), Some(second));
    bob.release().await.unwrap();
    assert!(ours(&ana.lease(LONG).await.unwrap()).is_some());
}

#[tokio::test]
async fn whoever_lost_the_lease_changes_nothing() {
    let redis = Redis::start().await;
    let (ana, bob) = (board(&redis, "ana"), board(&redis, "bob"));
    let fence = ours(&ana.lease(LONG).await.unwrap());
    ana.push("orders/1", 1, b"tick").await.unwrap();
    ana.release().await.unwrap();
    let late = Commit {
        fence,
        documents: vec![document("orders", 0, "late")],
        trims: vec![trim("orders/1", 1)],
        events: vec!["late".to_owned()],
    };
    // Nobody has it; then another does; then this one again, but not as before.
    assert_eq!(ana.commit(&late).await.unwrap(), Committed::LostLease);
    bob.lease(LONG).await.unwrap();
    assert_eq!(ana.commit(&late).await.unwrap(), Committed::LostLease);
    bob.release().await.unwrap();
    ana.lease(LONG).await.unwrap();
    assert_eq!(ana.commit(&late).await.unwrap(), Committed::LostLease);

    let known = bob.changed(&Mark::default()).await.unwrap();
    assert!(known.documents.is_empty());
    assert_eq!(bob.take("orders/1", 10).await.unwrap().ticks, [b"tick"]);
    assert!(bob.events(&EventId::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_commit_does_all_or_nothing() {
    let redis = Redis::start().await;
    let (ana, bob) = (board(&redis, "ana"), board(&redis, "bob"));
    let fence = ours(&ana.lease(LONG).await.unwrap());
    let carts = version(bob.write(document("carts", 0, "theirs")).await.unwrap());
    bob.push("orders/1", 1, b"tick").await.unwrap();
    let mut commit = Commit {
        fence,
        documents: vec![document("orders", 0, "1"), document("carts", 0, "2")],
        trims: vec![trim("orders/1", 1)],
        events: vec!["advanced".to_owned()],
    };
    let refused = ana.commit(&commit).await.unwrap();
    assert!(matches!(refused, Committed::Conflict(all) if all[0].name == "carts"));
    let known = bob.changed(&Mark::default()).await.unwrap();
    assert_eq!(known.documents.len(), 1);
    assert_eq!(bob.take("orders/1", 10).await.unwrap().ticks.len(), 1);

    commit.documents[1].expected = carts;
    let Committed::Done(written) = ana.commit(&commit).await.unwrap() else {
        panic!("nothing speaks against it");
    };
    assert_eq!(written[0].0, "orders");
    assert_eq!(written[1].0, "carts");
    let known = bob.changed(&known.mark).await.unwrap();
    assert_eq!(known.documents.len(), 2);
    assert_eq!(known.documents[1].version, written[1].1);
    assert!(bob.take("orders/1", 10).await.unwrap().ticks.is_empty());
}

#[tokio::test]
async fn only_what_was_taken_is_cut_and_only_once() {
    let redis = Redis::start().await;
    let (ana, bob) = (board(&redis, "ana"), board(&redis, "bob"));
    for (number, tick) in [(1, b"a"), (2, b"b")] {
        assert_eq!(bob.push("x", number, tick).await.unwrap(), Pushed::Added);
    }
    let first = ana.take("x", 1).await.unwrap();
    assert_eq!(first.ticks, [b"a"]);
    let Taken { upto, ticks } = ana.take("x", 10).await.unwrap();
    assert_eq!((upto, ticks.len()), (2, 2));
    assert_eq!(ana.push("x", 1, b"c").await.unwrap(), Pushed::Added);
    let commit = Commit {
        trims: vec![trim("x", upto)],
        ..Commit::default()
    };
    // Twice, as after an answer that never came.
    ana.commit(&commit).await.unwrap();
    ana.commit(&commit).await.unwrap();
    let left = ana.take("x", 10).await.unwrap();
    assert_eq!(left.ticks, [b"c"]);
    assert_eq!(left.upto, 3);
    assert_eq!(bob.push("x", 2, b"b").await.unwrap(), Pushed::Known);
}

#[tokio::test]
async fn a_full_list_takes_no_more() {
    let redis = Redis::start().await;
    let ana = board(&redis, "ana");
    for number in 1..=LIST_LIMIT as u64 {
        assert_eq!(ana.push("x", number, b"t").await.unwrap(), Pushed::Added);
    }
    let next = LIST_LIMIT as u64 + 1;
    assert_eq!(ana.push("x", next, b"t").await.unwrap(), Pushed::Full);
    let commit = Commit {
        trims: vec![trim("x", 1)],
        ..Commit::default()
    };
    ana.commit(&commit).await.unwrap();
    assert_eq!(ana.push("x", next, b"t").await.unwrap(), Pushed::Added);
}

#[tokio::test]
async fn everybody_hears_of_every_event_in_order() {
    let redis = Redis::start().await;
    let (ana, bob) = (board(&redis, "ana"), board(&redis, "bob"));
    assert_eq!(ana.last_event().await.unwrap(), EventId::default());
    ana.tell("killed".to_owned()).await.unwrap();
    bob.tell("resumed\r\n\u{e9}".to_owned()).await.unwrap();
    for reader in [&ana, &bob] {
        let told = reader.events(&EventId::default()).await.unwrap();
        let told: Vec<(&str, &str)> = told
            .iter()
            .map(|event| (event.origin.as_str(), event.body.as_str()))
            .collect();
        assert_eq!(told, [("ana", "killed"), ("bob", "resumed\r\n\u{e9}")]);
    }
    let last = ana.last_event().await.unwrap();
    assert!(ana.events(&last).await.unwrap().is_empty());
    ana.tell("held".to_owned()).await.unwrap();
    let kept = EventId::from_kept(last.as_str());
    assert_eq!(bob.events(&kept).await.unwrap()[0].body, "held");
}

#[tokio::test]
async fn each_sees_what_the_others_say_of_themselves() {
    let redis = Redis::start().await;
    let (ana, bob) = (board(&redis, "ana"), board(&redis, "bob"));
    ana.publish("{\"old\":1}").await.unwrap();
    ana.publish("{\"new\":\n1}").await.unwrap();
    bob.publish("{}").await.unwrap();
    let others = bob.others().await.unwrap();
    assert_eq!(others.len(), 1);
    assert_eq!(
        (others[0].name.as_str(), others[0].body.as_str()),
        ("ana", "{\"new\":\n1}")
    );
    ana.leave().await.unwrap();
    assert!(bob.others().await.unwrap().is_empty());
}

fn trim(list: &str, upto: u64) -> Trim {
    Trim {
        list: list.to_owned(),
        upto,
    }
}
