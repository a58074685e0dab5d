//! A second try beside the first.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_is_overtaken_by_another_endpoint() {
    let kit = Kit::new(&[Does::Hangs, Does::Answers(200)]).hedging().await;
    let start = Instant::now();
    for _ in 0..20 {
        let answered = kit.ask(get()).await.unwrap();
        assert_eq!(answered.in_flight.endpoint().id(), kit.endpoint(1).id());
    }
    let overtaken = u64::try_from(kit.asked_of(0)).unwrap();
    assert!(overtaken > 0);
    assert_eq!(kit.hedged(), Some((overtaken, overtaken)));
    assert!(start.elapsed() < Duration::from_millis(21 * 20));
    assert_eq!(kit.endpoint(0).in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_second_try_takes_a_place_of_its_own_or_is_not_made() {
    let one = bulkhead::Settings {
        concurrent: 1,
        wait: Duration::from_secs(1),
    };
    let kit = Kit::new(&[Does::Hangs]).within(one).hedging().await;
    let error = kit.ask(get()).await.unwrap_err();
    assert_eq!((error.kind, error.trail.attempts), (Kind::Timeout, 1));
    assert_eq!(kit.hedged(), Some((0, 0)));
}

#[tokio::test(start_paused = true)]
async fn what_changes_something_has_no_second_try_beside_it() {
    let kit = Kit::new(&[Does::Hangs]).hedging().await;
    let error = kit.ask(Asked::new(Method::PUT)).await.unwrap_err();
    assert_eq!((error.kind, kit.asked_of(0)), (Kind::Timeout, 1));
}
