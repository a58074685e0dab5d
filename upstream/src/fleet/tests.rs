use super::*;

fn endpoint(port: u16) -> Arc<Endpoint> {
    Arc::new(Endpoint::new(Place::new("x", port, "")).unwrap())
}

fn members(count: u16) -> Vec<Member> {
    let member = |n| Member {
        endpoint: endpoint(1000 + n),
        weight: 1,
    };
    (0..count).map(member).collect()
}

#[tokio::test(start_paused = true)]
async fn one_of_three_that_fails_five_times_is_left_out() {
    let members = members(3);
    let fleet = Fleet::new(Settings::default(), members.clone());
    let mut dice = fastrand::Rng::with_seed(7);
    let mut errors = 0;
    for _ in 0..1000 {
        let now = Instant::now();
        let picked = fleet.pick(now, &[], None, |n| dice.usize(..n)).unwrap();
        assert!(!picked.panic);
        if Arc::ptr_eq(&picked.endpoint, &members[0].endpoint) {
            fleet.failed(&picked.endpoint, "500", Duration::from_millis(1), now);
            errors += 1;
        } else {
            fleet.succeeded(&picked.endpoint, Duration::from_millis(1), now);
        }
    }
    assert_eq!(errors, 5);
}
