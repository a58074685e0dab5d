//! What apps get wrong, and what they are told.

use chassis::secret::SecretString;
use composition::Cursors;
use reqwest::Method;

use crate::app::{Answer, App, SECRET};
use crate::catalog::Catalog;

const BAD: &str = "bad_request";

/// What is asked for, and what the answer says would be right.
const REFUSED: [(&str, &str); 34] = [
    ("/products?limit=0", "from 1 to 100"),
    ("/products?limit=101", "from 1 to 100"),
    ("/products?limit=10000", "from 1 to 100"),
    ("/products?limit=-1", "from 1 to 100"),
    ("/products?limit=ten", "from 1 to 100"),
    ("/products?limit=", "from 1 to 100"),
    ("/products?page=0", "from 1 to 1000000"),
    ("/products?page=1000001", "from 1 to 1000000"),
    ("/products?page=99999999999999999999", "from 1 to 1000000"),
    ("/products?limit=1&limit=2", "duplicate field `limit`"),
    ("/products?size=1", "`limit`"),
    (
        "/products?fields=colour",
        "id, name, price, currency, thumbnail",
    ),
    ("/products?fields=", "id, name, price, currency, thumbnail"),
    (
        "/products?fields=id,,name",
        "id, name, price, currency, thumbnail",
    ),
    ("/products?thumb=200", "`160`, `320`, `640`"),
    ("/products?meta=yes", "`0` or `1`"),
    ("/products?cursor=", "take next of the answer before"),
    ("/products?cursor=AQ", "take next of the answer before"),
    (
        "/products?cursor=%E2%82%AC",
        "take next of the answer before",
    ),
    ("/products?limit=%FF", "not UTF-8"),
    ("/products?%C0%AF=1", "not UTF-8"),
    ("/products/%FF", "not UTF-8"),
    ("/products/0", "from 1 to 9223372036854775807"),
    (
        "/products/9223372036854775808",
        "from 1 to 9223372036854775807",
    ),
    (
        "/products/99999999999999999999",
        "from 1 to 9223372036854775807",
    ),
    ("/products/-1", "from 1 to 9223372036854775807"),
    ("/products/1.0", "from 1 to 9223372036854775807"),
    ("/products/%2B1", "from 1 to 9223372036854775807"),
    ("/products/7?page=1", "`fields`, `thumb`, `meta`"),
    ("/products/7?fields=thumbnail", "description"),
    ("/orders/x", "from 1 to 9223372036854775807"),
    (
        "/orders/7?fields=customer",
        "id, status, created, items, total, currency",
    ),
    ("/home?fields=id", "products, greeting, on_their_way"),
    ("/home?limit=5", "`fields`, `thumb`, `meta`"),
];

#[tokio::test]
async fn what_cannot_be_understood_is_refused_with_what_would_be_and_nobody_is_asked() {
    let app = App::over(Catalog::with(1..=30), &[]);
    for (target, said) in REFUSED {
        let answer = app.get(target, &[]).await;
        assert_problem(&answer, 400, BAD, said, target);
    }
    assert_eq!(app.catalog.asked(), 0);
}

#[tokio::test]
async fn a_cursor_that_is_not_ours_or_not_this_lists_is_refused() {
    let app = App::over(Catalog::with(1..=30), &[]);
    let ours = app.get("/products", &[]).await.next().unwrap();
    let asked = app.catalog.asked();
    let said = "take next of the answer before";
    for at in [0, 1, ours.len() / 2, ours.len() - 2] {
        let mut tampered = ours.clone().into_bytes();
        tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(tampered).unwrap();
        let answer = app.get(&format!("/products?cursor={tampered}"), &[]).await;
        assert_problem(&answer, 400, BAD, said, &tampered);
    }
    let secret = SecretString::from(SECRET);
    let of_orders = Cursors::new(&secret, "orders").unwrap().behind(5);
    let longer = format!("{ours}AA");
    for wrong in [of_orders, longer, ours.to_uppercase()] {
        let answer = app.get(&format!("/products?cursor={wrong}"), &[]).await;
        assert_problem(&answer, 400, BAD, said, &wrong);
    }
    let both = format!("/products?page=1&cursor={ours}");
    let answer = app.get(&both, &[]).await;
    let said = "either a cursor or a page";
    assert_problem(&answer, 400, BAD, said, &both);
    assert_eq!(app.catalog.asked(), asked);
    let anew = Cursors::new(&secret, "products").unwrap().behind(20);
    assert_eq!(anew, ours, "the test reads cursors as the BFF does");
}

#[tokio::test]
async fn what_is_wrong_with_the_head_is_said_too() {
    let app = App::over(Catalog::with(1..=30), &[]);
    let twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    let answer = app.get("/home", &twice).await;
    assert_problem(&answer, 400, BAD, "more than one Authorization", "twice");
    for accept in ["text/html", "application/json;q=0", "image/*"] {
        let answer = app.get("/products", &[("accept", accept)]).await;
        assert_problem(&answer, 406, "not_acceptable", "application/json", accept);
    }
    let answer = app.get("/product", &[]).await;
    assert_problem(&answer, 404, "not_found", "/openapi.json", "no screen");
    let answer = app.ask(Method::POST, "/products", &[]).await;
    assert_problem(&answer, 405, "method_not_allowed", "GET", "POST");
    assert!(answer.field("allow").unwrap().contains("GET"), "{answer:?}");
    assert_eq!(app.catalog.asked(), 0);
}

#[tokio::test]
async fn an_old_app_is_told_which_version_is_served_and_where_it_is() {
    let options = [
        "--min-client=ios=5.2.0,android=6.0.0",
        "--store-url=ios=https://apps.example/shop",
    ];
    let default = App::over(Catalog::with(1..=30), &options);
    let other = [&options[..], &["--upgrade-status=403"]].concat();
    let other = App::over(Catalog::with(1..=30), &other);
    for (app, status) in [(&default, 426), (&other, 403)] {
        let old = [("x-client", "ios/5.1.9")];
        let answer = app.get("/products", &old).await;
        let code = "app_upgrade_required";
        assert_problem(&answer, status, code, "5.2.0 or later", "old");
        let problem = answer.json();
        assert_eq!(problem["type"], "/problems/app-upgrade-required");
        assert_eq!(problem["min_version"], "5.2.0");
        assert_eq!(problem["store_url"], "https://apps.example/shop");
        // Nobody has said where there is a newer one.
        let answer = app.get("/home", &[("x-client", "Android/5")]).await;
        assert_problem(&answer, status, code, "6.0.0 or later", "no store");
        assert_eq!(answer.json().get("store_url"), None);
        assert_eq!(app.catalog.asked(), 0);
        for fine in ["ios/5.2.0", "ios/5.10", "android/6", "windows/1.0"] {
            let answer = app.get("/products", &[("x-client", fine)]).await;
            assert_eq!(answer.status, 200, "{fine}");
        }
        let described = app.get("/openapi.json", &[]).await.json();
        let responses = &described["paths"]["/products"]["get"]["responses"];
        assert!(responses.get(status.to_string()).is_some(), "{responses}");
    }
}

#[tokio::test]
async fn a_client_that_cannot_be_read_is_served_and_counted() {
    let app = App::over(Catalog::with(1..=30), &["--min-client=ios=5.2.0"]);
    let malformed = ["ios", "ios/new", "ios/5.2.1.0", "/5", "ios/5.1,ios/6"];
    for malformed in malformed {
        let answer = app.get("/products", &[("x-client", malformed)]).await;
        assert_eq!(answer.status, 200, "{malformed}");
    }
    let twice = [("x-client", "ios/1.0"), ("x-client", "ios/9.0")];
    assert_eq!(app.get("/products", &twice).await.status, 200);
    let metrics = app.get("/metrics", &[]).await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    let counted = "banyan_bff_ignored_fields_total{field=\"x-client\"} 6";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
}

/// A problem with a stable code that says what would be right, and that nobody keeps.
fn assert_problem(answer: &Answer, status: u16, code: &str, said: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {answer:?}");
    let kind = answer.field("content-type");
    assert_eq!(kind, Some("application/problem+json"), "{what}");
    assert_eq!(answer.field("cache-control"), Some("no-store"), "{what}");
    assert!(answer.field("x-request-id").is_some(), "{what}");
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{what}");
    assert_eq!(problem["code"], code, "{what}");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(said), "{what}: {detail:?}");
}
