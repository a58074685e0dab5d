//! httpbin, which nobody here wrote, answers through the edge byte for byte as it does without.
#![expect(clippy::panic, reason = "helpers of tests fail the test as tests do")]

mod cases;
mod compare;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use tests::answer::Answer;
use tests::edge::Edge;
use tests::python::Monolith;
use tests::wire::Wire;

use crate::cases::Case;
use crate::compare::differences;

/// When this fails too, a case asks for something that is not the same twice.
#[tokio::test]
async fn every_answer_is_the_same_twice_without_the_edge() {
    let httpbin = Monolith::httpbin().await;
    assert_same(httpbin.address, httpbin.address).await;
}

#[tokio::test]
async fn every_answer_is_the_same_behind_an_untouched_starter_file() {
    let httpbin = Monolith::httpbin().await;
    let edge = Edge::from_init(&httpbin.url()).await.start().await;
    assert_same(httpbin.address, edge.address).await;
    edge.stop().await;
}

#[tokio::test]
async fn answers_stay_the_same_one_after_the_other_on_one_connection() {
    let httpbin = Monolith::httpbin().await;
    let edge = Edge::from_init(&httpbin.url()).await.start().await;
    let mut wire = edge.wire().await;
    let mut found = Vec::new();
    // A case that ends its connection would end the others'.
    let kept = |case: &Case| {
        case.version == "HTTP/1.1" && case.fields.iter().all(|(name, _)| *name != "connection")
    };
    for case in cases::all().iter().filter(|case| kept(case)) {
        wire.send(case.bytes()).await;
        let through = answer(&mut wire, case).await;
        let direct = ask(httpbin.address, case).await;
        found.extend(report(case, &direct, &through));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    edge.stop().await;
}

#[test]
fn the_cases_cover_at_least_forty_endpoints() {
    let endpoints: BTreeSet<&str> = cases::all()
        .iter()
        .filter_map(|case| case.target.split(['/', '?']).nth(1))
        .collect();
    assert!(endpoints.len() >= 40, "{}: {endpoints:?}", endpoints.len());
}

async fn assert_same(direct: SocketAddr, edge: SocketAddr) {
    let mut found = Vec::new();
    for case in &cases::all() {
        // One after the other: httpbin's dice are shared by its threads.
        let (direct, through) = (ask(direct, case).await, ask(edge, case).await);
        found.extend(report(case, &direct, &through));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn report(case: &Case, direct: &Answer, through: &Answer) -> Vec<String> {
    let found = differences(case, direct, through);
    let line = |difference| format!("{} {}: {difference}", case.method, case.target);
    found.into_iter().map(line).collect()
}

async fn ask(address: SocketAddr, case: &Case) -> Answer {
    let mut wire = Wire::connect(address).await;
    wire.send(case.bytes()).await;
    answer(&mut wire, case).await
}

async fn answer(wire: &mut Wire, case: &Case) -> Answer {
    if case.method == "HEAD" {
        wire.answer_to_head().await
    } else {
        wire.answer().await
    }
}
