//! When a name is asked for again.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_name_is_asked_for_again_when_its_time_is_over() {
    for (ttl, expected) in [(0, 1), (30, 30), (86_400, 300)] {
        let world = World::new();
        world.resolver.has("users", &["10.0.0.1"], ttl);
        let _discovery = world.begin(&list(vec![named("users")]));
        pass(3 * expected + 1).await;
        assert_eq!(world.resolver.waits("users")[..2], [expected; 2], "{ttl}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_asked_for_again_with_growing_waits() {
    let world = World::new();
    let _discovery = world.begin(&list(vec![named("users")]));
    pass(100).await;
    assert_eq!(world.resolver.waits("users")[..5], [1, 2, 4, 5, 5]);

    // Whoever has an answer can wait.
    let world = World::new();
    world.resolver.has("users", &["10.0.0.1"], 3);
    let _discovery = world.begin(&list(vec![named("users")]));
    pass(1).await;
    let gone = Unanswered::None("there is no such name");
    world.resolver.fails("users", gone);
    pass(100).await;
    assert_eq!(world.resolver.waits("users")[..7], [3, 1, 2, 4, 8, 16, 30]);
}
