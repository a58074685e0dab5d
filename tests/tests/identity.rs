//! Who is calling: tokens in, identity fields out, strangers' claims about themselves gone.

use tests::edge::{Edge, Plan};
use tests::origin::Origin;

const SECRET: &str = "a-secret-of-at-least-32-bytes-for-hs256";

fn plan(origin: &Origin) -> Plan {
    let routes = format!(
        r#"
        [auth.issuer.shop]
        issuer = "https://id.shop.example"
        audience = ["shop-api"]
        algorithms = ["HS256"]
        secret = "${{SHOP_SECRET}}"
        [upstream.monolith]
        endpoints = ["{}"]
        [route.private]
        path = "/private"
        auth = "shop"
        upstream = "monolith"
        [route.optional]
        path = "/optional"
        auth = {{ issuers = ["shop"], optional = true }}
        upstream = "monolith"
        [route.writers]
        path = "/writers"
        auth = {{ issuers = ["shop"], scopes = ["orders:write"], groups = ["staff"] }}
        upstream = "monolith"
        "#,
        origin.url()
    );
    Edge::with_routes(&routes).env("SHOP_SECRET", SECRET)
}

async fn token(plan: &Plan, more: &[&str]) -> String {
    let ended = plan.run(&[&["token"], more].concat()).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout.trim().to_owned()
}

#[tokio::test]
async fn a_token_becomes_identity_fields_and_spoofed_ones_are_gone() {
    let origin = Origin::saying("ok").await;
    let plan = plan(&origin);
    let token = token(
        &plan,
        &[
            "--user", "ana b", "--scope", "a", "--scope", "b", "--group", "x,y",
        ],
    )
    .await;
    let edge = plan.start().await;
    let spoofed = [
        "x-user-id",
        "X-User-Scopes",
        "x-user-admin",
        "x_user_id",
        "x-banyan-sticky",
        "x-served-by",
    ];
    let mut request = edge.get("/private").bearer(&token);
    for name in spoofed {
        request = request.header(name, "root");
    }
    assert_eq!(request.send().await.status, 200);
    let head = &origin.seen()[0].head;
    assert_eq!(head.all("x-user-id"), ["ana%20b"]);
    assert_eq!(head.all("x-user-scopes"), ["a b"]);
    assert_eq!(head.all("x-user-groups"), ["x%2Cy"]);
    assert_eq!(head.all("authorization").len(), 1);
    for name in [
        "x-user-admin",
        "x_user_id",
        "x-banyan-sticky",
        "x-served-by",
    ] {
        assert!(head.all(name).is_empty(), "{name}");
    }
    // Fields that Connection names are this hop's, but ours are added behind that.
    let request = edge
        .get("/private")
        .bearer(&token)
        .header("connection", "x-user-id, x-secret")
        .header("x-secret", "1");
    assert_eq!(request.send().await.status, 200);
    let head = &origin.seen()[1].head;
    assert_eq!(head.all("x-user-id"), ["ana%20b"]);
    assert!(head.all("x-secret").is_empty());
    edge.stop().await;
}

#[tokio::test]
async fn nobody_gets_in_with_a_bad_token_and_nothing_goes_upstream() {
    let origin = Origin::saying("ok").await;
    let plan = plan(&origin);
    let good = token(&plan, &[]).await;
    let expired = token(&plan, &["--ttl", "-1h"]).await;
    let edge = plan.start().await;
    let (head, signature) = good.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let none = format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).unwrap());
    let long = "x".repeat(10 * 1024);
    for path in ["/private", "/optional"] {
        for bad in [&expired, &forged, &none, &long, "", "x"] {
            let answer = edge.get(path).bearer(bad).send().await;
            assert_eq!(
                (answer.status, answer.problem()),
                (401, "token_invalid".into()),
                "{path} {bad:.40}"
            );
            assert!(
                answer
                    .field("www-authenticate")
                    .unwrap()
                    .contains("invalid_token")
            );
        }
    }
    let missing = edge.get("/private").send().await;
    assert_eq!(
        (missing.status, missing.problem()),
        (401, "token_missing".into())
    );
    let huge = edge
        .get("/private")
        .bearer(&"x".repeat(100 * 1024))
        .send()
        .await;
    assert_eq!(
        (huge.status, huge.problem()),
        (431, "head_too_large".into())
    );
    assert!(origin.seen().is_empty());
    assert_eq!(edge.get("/optional").send().await.status, 200);
    assert!(origin.seen()[0].head.all("x-user-id").is_empty());
    edge.stop().await;
}

#[tokio::test]
async fn scopes_and_groups_are_asked_for_by_route() {
    let origin = Origin::saying("ok").await;
    let plan = plan(&origin);
    let plain = token(&plan, &["--group", "staff"]).await;
    let stranger = token(&plan, &["--scope", "orders:write"]).await;
    let writer = token(&plan, &["--scope", "orders:write", "--group", "staff"]).await;
    let edge = plan.start().await;
    assert_eq!(
        edge.get("/writers").bearer(&plain).send().await.problem(),
        "scope_missing"
    );
    assert_eq!(
        edge.get("/writers")
            .bearer(&stranger)
            .send()
            .await
            .problem(),
        "group_missing"
    );
    assert_eq!(
        edge.get("/writers").bearer(&writer).send().await.status,
        200
    );
    edge.stop().await;
}
