use std::sync::Arc;

use http::StatusCode;

use super::*;
use crate::metrics::stats::RouteStats;

const NOW: Duration = Duration::from_hours(500_000);
const MINUTE: Duration = Duration::from_mins(1);

/// Windows of one gateway whose legacy answered in so many milliseconds each; of ten one failed.
fn counted(names: &[String], now: Duration, millis: impl Iterator<Item = u64>) -> Windows {
    let routes = names.iter().map(|name| Arc::new(RouteStats::new(name, 1)));
    let routes: Vec<Arc<RouteStats>> = routes.collect();
    for (index, millis) in millis.enumerate() {
        let (status, took) = match index % 10 {
            0 => (StatusCode::BAD_GATEWAY, Duration::from_millis(millis)),
            _ => (StatusCode::OK, Duration::from_millis(millis)),
        };
        for route in &routes {
            route.count(0, Some(Side::Legacy), status, took, Some(took));
        }
    }
    let mut windows = Windows::default();
    windows.look(&routes, now);
    windows
}

fn orders() -> [String; 1] {
    ["orders".to_owned()]
}

fn told(windows: &Windows, now: Duration) -> String {
    let (body, whole) = Told::of(windows, &BTreeMap::new(), now).body().unwrap();
    assert!(whole);
    body
}

#[test]
fn what_several_counted_is_as_if_one_had_counted_it() {
    let mine = counted(&orders(), NOW, 0..500);
    let theirs = counted(&orders(), NOW, 500..1_000);
    let all = counted(&orders(), NOW, 0..1_000);
    let other = Elsewhere::read("b.1", &told(&theirs, NOW), NOW).unwrap();
    let mut tally = mine.tally("orders", Side::Legacy, 10, NOW);
    other.add_to(&mut tally, "orders", Side::Legacy, 10, NOW);
    let exact = all.tally("orders", Side::Legacy, 10, NOW);
    assert_eq!(tally, exact);
    let mut hour = mine.tally("orders", Side::Legacy, 60, NOW).latency;
    hour.merge(&other.hour("orders"));
    assert_eq!(hour, exact.latency);
    assert_eq!(
        other.windows.tally("orders", Side::Service, 10, NOW),
        Tally::default()
    );
}

#[test]
fn a_clock_that_is_minutes_ahead_counts_the_same_minutes() {
    for ahead in [0, 1, 5, 60] {
        let there = NOW + MINUTE * ahead + Duration::from_secs(3);
        let theirs = counted(&orders(), there, 1..11);
        let other = Elsewhere::read("b.1", &told(&theirs, there), NOW).unwrap();
        let tally = other.windows.tally("orders", Side::Legacy, 1, NOW);
        assert_eq!(tally.classes, [0, 9, 0, 0, 1], "{ahead}");
        let later = NOW + MINUTE;
        let tally = other.windows.tally("orders", Side::Legacy, 1, later);
        assert_eq!(tally, Tally::default(), "{ahead}");
    }
}

#[test]
fn however_many_routes_it_is_not_too_long_and_counts_stay() {
    for (routes, step, counts) in [(200, 3, 667), (10_000, 700, 0)] {
        let names: Vec<String> = (0..routes)
            .map(|one| format!("a-route-with-a-long-name-{one}"))
            .collect();
        let theirs = counted(&names, NOW, (1..2_000).step_by(step));
        let (body, whole) = Told::of(&theirs, &BTreeMap::new(), NOW).body().unwrap();
        assert!(body.len() <= LIMIT && !whole, "{}", body.len());
        let other = Elsewhere::read("b.1", &body, NOW).unwrap();
        let tally = other
            .windows
            .tally("a-route-with-a-long-name-7", Side::Legacy, 10, NOW);
        assert_eq!(tally.classes.iter().sum::<u64>(), counts);
    }
}

#[test]
fn what_another_version_tells_is_left_alone() {
    let newer = format!(
        r#"{{"version":2,"at_ms":{},"routes":[7]}}"#,
        NOW.as_millis()
    );
    for body in [newer.as_str(), "", "7", "{}", &newer.replace("[7]", "{}")] {
        assert!(Elsewhere::read("b.1", body, NOW).is_none(), "{body}");
    }
    let more = told(&counted(&orders(), NOW, 1..3), NOW).replace("\"hour\"", "\"more\":1,\"hour\"");
    assert!(more.contains("more"));
    assert!(Elsewhere::read("b.1", &more, NOW).is_some());
}

#[test]
fn of_a_gateway_that_was_started_again_only_the_new_process_counts() {
    let told = |name: &str, at| {
        let body = told(
            &counted(&orders(), NOW, 1..3),
            NOW + Duration::from_secs(at),
        );
        Elsewhere::read(name, &body, NOW).unwrap()
    };
    let all = vec![told("a.1", 1), told("b.9", 2), told("a.2", 3)];
    let names: Vec<String> = Elsewhere::living(all)
        .into_iter()
        .map(|one| one.name)
        .collect();
    assert_eq!(names, ["a.2", "b.9"]);
}
