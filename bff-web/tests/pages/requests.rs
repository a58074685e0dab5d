//! What is wrong with a request, on every page, and what the answer says.

use reqwest::Method;

use crate::backends::Backends;
use crate::site::{Answer, Site};

const PAGES: [&str; 5] = ["/home", "/products", "/products/7", "/orders/7", "/account"];
const ID: &str = "an id is a whole number from 1 to 9223372036854775807";

/// What is asked for, and what the answer says would be right.
const REFUSED: [(&str, &str); 26] = [
    ("/products?limit=0", "from 1 to 100"),
    ("/products?limit=10000", "from 1 to 100"),
    ("/products?limit=1.5", "from 1 to 100"),
    ("/products?limit=", "from 1 to 100"),
    ("/products?page=0", "from 1 to 1000000"),
    ("/products?page=-1", "from 1 to 1000000"),
    ("/products?page=18446744073709551617", "from 1 to 1000000"),
    ("/products?page=1&page=1", "duplicate field `page`"),
    ("/products?cursor=AQ", "expected `page` or `limit`"),
    ("/products?fields=id", "expected `page` or `limit`"),
    ("/home?limit=5", "unknown field `limit`"),
    ("/account?user=1", "unknown field `user`"),
    ("/products/7?reviews=all", "unknown field `reviews`"),
    ("/orders/7?=", "unknown field"),
    ("/products/0", ID),
    ("/products/007x", ID),
    ("/products/-7", ID),
    ("/products/%207", ID),
    ("/products/9223372036854775808", ID),
    ("/orders/0", ID),
    ("/orders/me", ID),
    ("/orders/340282366920938463463374607431768211456", ID),
    ("/orders/%F0%9D%9F%95", ID),
    ("/orders/%FF", "not UTF-8"),
    ("/home?%FF=1", "not UTF-8"),
    ("/products?limit=%ED%A0%80", "not UTF-8"),
];

#[tokio::test]
async fn what_cannot_be_understood_is_refused_with_what_would_be_and_nobody_is_asked() {
    let site = Site::over(Backends::default());
    for (target, said) in REFUSED {
        let answer = site.get(target, &[]).await;
        assert_problem(&answer, 400, "bad_request", said, target);
    }
    assert_eq!(site.backends.asked(), [""; 0]);
}

#[tokio::test]
async fn what_is_wrong_with_the_head_is_said_on_every_page() {
    let site = Site::over(Backends::default());
    for page in PAGES {
        let twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
        let answer = site.get(page, &twice).await;
        let said = "more than one Authorization";
        assert_problem(&answer, 400, "bad_request", said, page);
        for accept in ["text/html", "*/*;q=0", "application/json;q=0, text/*"] {
            let answer = site.get(page, &[("accept", accept)]).await;
            assert_problem(&answer, 406, "not_acceptable", "application/json", page);
        }
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = site.ask(method, page, &[]).await;
            assert_problem(&answer, 405, "method_not_allowed", "GET", page);
            assert!(answer.field("allow").unwrap().contains("GET"), "{page}");
        }
    }
    assert_eq!(site.backends.asked(), [""; 0]);
}

#[tokio::test]
async fn an_address_is_exact() {
    let site = Site::over(Backends::default());
    for wrong in [
        "/",
        "/Home",
        "/account/",
        "/products/7/",
        "/products//7",
        "/order/7",
    ] {
        let answer = site.get(wrong, &[]).await;
        assert_problem(&answer, 404, "not_found", "/openapi.json", wrong);
    }
    assert_eq!(site.backends.asked(), [""; 0]);
}

/// Versions are for apps: where no oldest one is set, none is refused.
#[tokio::test]
async fn no_client_is_too_old_for_the_web() {
    let site = Site::over(Backends::default());
    for client in ["ios/0.0.1", "web", ""] {
        let answer = site.get("/products", &[("x-client", client)]).await;
        assert_eq!(answer.status, 200, "{client}");
    }
    let described = site.get("/openapi.json", &[]).await.json();
    let responses = &described["paths"]["/products"]["get"]["responses"];
    assert!(responses["400"].is_object() && responses["426"].is_null());
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
