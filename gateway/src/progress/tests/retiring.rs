//! When legacy may go.

use super::*;

#[test]
fn retiring_waits_for_thirty_observed_days_without_use() {
    let world = World::new();
    let migrated = orders("migrated");
    world.admit(&migrated, None, Patience::Refuse).unwrap();
    world.keep(&migrated, vec![used()], 1);
    world.watch(&migrated, Duration::from_mins(30 * 24 * 60 - 1));
    let refused = world
        .admit(&orders("retired"), None, Patience::Refuse)
        .unwrap_err();
    assert!(
        refused.to_string().contains("0 d 0 h 1 m left"),
        "{refused}"
    );
    assert_eq!(refused.stays, Phase::Migrated);
    world.watch(&migrated, Duration::from_mins(1));
    world
        .admit(&orders("retired"), None, Patience::Refuse)
        .unwrap();
    assert_eq!(world.entered(), Some(Phase::Retired));
}

#[test]
fn a_use_starts_the_thirty_days_again_and_days_that_nobody_watched_do_not_count() {
    let mut world = World::new();
    let migrated = orders("migrated");
    world.admit(&migrated, None, Patience::Refuse).unwrap();
    world.keep(&migrated, Vec::new(), 1);
    world.watch(&migrated, 20 * DAY);
    world.keep(&migrated, vec![used()], 1);
    world.watch(&migrated, 10 * DAY);
    assert!(
        world
            .admit(&orders("retired"), None, Patience::Refuse)
            .is_err()
    );
    // Three days down.
    world.hand.advance(3 * DAY);
    world.restart();
    world.keep(&migrated, Vec::new(), 1);
    world.watch(&migrated, Duration::from_mins(20 * 24 * 60 - 10));
    let refused = world
        .admit(&orders("retired"), None, Patience::Refuse)
        .unwrap_err();
    assert!(refused.to_string().contains(" m left"), "{refused}");
    // Up to the last ten looks before the end are lost: they are not kept each time.
    world.watch(&migrated, Duration::from_mins(20));
    world
        .admit(&orders("retired"), None, Patience::Refuse)
        .unwrap();
}
