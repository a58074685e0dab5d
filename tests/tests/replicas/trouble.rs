//! Redis goes away, comes back, knows nothing any more, or answers no more.

use gateway::replicas::{BoardError, Mark};
use tests::redis::Redis;

use super::{board, document, until, version};

#[tokio::test]
async fn a_redis_that_comes_back_is_used_again_and_what_it_lost_is_noticed() {
    let redis = Redis::start().await;
    let ana = board(&redis, "ana");
    version(ana.write(document("orders", 0, "1")).await.unwrap());
    let before = ana.changed(&Mark::default()).await.unwrap();

    let gone = redis.kill().await;
    let error = ana.changed(&before.mark).await.unwrap_err();
    assert!(matches!(error, BoardError::Away(_)), "{error}");

    let redis = gone.start().await;
    let after = until("an answer", async || ana.changed(&before.mark).await.ok()).await;
    assert!(after.anew && after.documents.is_empty());
    let bob = board(&redis, "bob");
    version(bob.write(document("carts", 0, "2")).await.unwrap());
    let after = ana.changed(&before.mark).await.unwrap();
    assert!(after.anew);
    assert_eq!(after.documents[0].name, "carts");
    assert!(!ana.changed(&after.mark).await.unwrap().anew);
}

#[tokio::test]
async fn a_redis_that_answers_no_more_is_away_within_seconds() {
    let redis = Redis::start().await;
    let ana = board(&redis, "ana");
    ana.publish("{}").await.unwrap();
    redis.freeze();
    for _ in 0..2 {
        let error = ana.publish("{}").await.unwrap_err();
        assert!(matches!(error, BoardError::Away(_)), "{error}");
    }
    redis.thaw();
    until("an answer", async || ana.publish("{}").await.ok()).await;
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_away() {
    let redis = Redis::start().await;
    let ana = board(&redis, "ana");
    redis.kill().await;
    let error = ana.release().await.unwrap_err();
    assert!(matches!(error, BoardError::Away(_)), "{error}");
}
