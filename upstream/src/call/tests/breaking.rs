//! What opens a breaker, what does not, and how it closes again.

use super::*;

#[tokio::test(start_paused = true)]
async fn twenty_calls_of_which_ten_fail_open_the_breaker() {
    let kit = Kit::new(&[Does::Answers(200)]).breaking(breaker::Settings::default());
    for status in [502, 200].into_iter().cycle().take(20) {
        kit.does(0, Does::Answers(status));
        assert!(kit.ask(get()).await.is_ok());
    }
    let error = kit.ask(get()).await.unwrap_err();
    assert_eq!(error.kind, Kind::BreakerOpen);
    assert_eq!(error.trail.attempts, 0);
    assert!(error.retry_after.unwrap() <= Duration::from_secs(6));
    assert_eq!(kit.asked_of(0), 20);
}

#[tokio::test(start_paused = true)]
async fn what_clients_do_opens_no_breaker() {
    let kit = Kit::new(&[Does::Answers(404)]).breaking(breaker::Settings::default());
    for _ in 0..100 {
        assert!(kit.ask(get()).await.is_ok());
    }
    kit.does(0, Does::Hangs);
    for _ in 0..100 {
        let left = tokio::time::timeout(Duration::from_millis(1), kit.ask(get()));
        assert!(left.await.is_err());
        let theirs = kit.ask(get().until(Duration::from_millis(1), Whose::Callers));
        assert_eq!(theirs.await.unwrap_err().kind, Kind::Timeout);
        let stalled = kit.ask(get().stalled().until(Duration::from_millis(1), Whose::Ours));
        assert_eq!(stalled.await.unwrap_err().kind, Kind::Timeout);
    }
    kit.does(0, Does::Answers(500));
    for _ in 0..100 {
        assert!(kit.ask(get()).await.is_ok());
    }
    kit.does(0, Does::Answers(200));
    assert!(kit.ask(get()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn probes_whose_clients_leave_give_their_place_back() {
    let kit = Kit::new(&[Does::Answers(503)])
        .retrying(retry::Settings::once())
        .breaking(breaker::Settings::default());
    for _ in 0..20 {
        assert!(kit.ask(get()).await.is_ok());
    }
    assert_eq!(kit.ask(get()).await.unwrap_err().kind, Kind::BreakerOpen);
    tokio::time::advance(Duration::from_secs(6)).await;
    kit.does(0, Does::Hangs);
    for _ in 0..5 {
        let left = tokio::time::timeout(Duration::from_millis(1), kit.ask(get()));
        assert!(left.await.is_err());
    }
    kit.does(0, Does::Answers(200));
    let answered = kit.ask(get()).await.unwrap();
    assert!(answered.trail.probe);
    tokio::time::advance(Duration::from_secs(6)).await;
    assert!(!kit.ask(get()).await.unwrap().trail.probe);
}
