//! What an answer says of its parts: `x-degraded` for whoever looks at heads, `_meta` for whoever reads the body,
//! `Server-Timing` for the browser's network panel.

use std::fmt::Write as _;

use http::{HeaderName, HeaderValue};

use crate::reason::Status;
use crate::report::Report;

/// Which parts are not as their backends say.
pub(crate) const DEGRADED: HeaderName = HeaderName::from_static("x-degraded");

/// How long each part took.
pub(crate) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// `reviews;reason=timeout, customer;stale=42`; `None` when every part is as it should be.
pub(crate) fn degraded<'a>(reports: impl Iterator<Item = &'a Report>) -> Option<HeaderValue> {
    let mut text = String::new();
    for report in reports.filter(|report| report.status != Status::Ok) {
        separate(&mut text);
        text.push_str(report.name);
        // Writing to a text cannot fail, here and below.
        let _ = match (report.status, report.counts, report.reason) {
            (Status::Stale, ..) => write!(text, ";stale={}", seconds(report)),
            (_, Some((got, of)), _) => write!(text, ";got={got};of={of}"),
            (Status::Default, _, Some(reason)) => write!(text, ";default;reason={reason}"),
            (_, _, Some(reason)) => write!(text, ";reason={reason}"),
            (status, None, None) => write!(text, ";{status}"),
        };
    }
    (!text.is_empty()).then(|| value(&text))
}

/// `order;dur=100.2, customer;dur=80.0`
pub(crate) fn timing<'a>(reports: impl Iterator<Item = &'a Report>) -> HeaderValue {
    let mut text = String::new();
    for report in reports {
        separate(&mut text);
        let ms = report.took.as_secs_f64() * 1e3;
        let _ = write!(text, "{};dur={ms:.1}", report.name);
        if report.age.is_some() {
            text.push_str(";desc=kept");
        }
    }
    value(&text)
}

/// `{"complete":true,"parts":{"order":{"status":"ok","side":"legacy"}}}`
pub(crate) fn meta<'a>(complete: bool, reports: impl Iterator<Item = &'a Report>) -> String {
    let mut text = format!("{{\"complete\":{complete},\"parts\":{{");
    for (index, report) in reports.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Names are constants of the code and have nothing to escape.
        let _ = write!(
            text,
            "{comma}\"{}\":{{\"status\":\"{}\"",
            report.name, report.status
        );
        if let Some(reason) = report.reason {
            let _ = write!(text, ",\"reason\":\"{reason}\"");
        }
        if report.age.is_some() {
            let _ = write!(text, ",\"age\":{}", seconds(report));
        }
        if let Some(side) = report.side {
            let _ = write!(text, ",\"side\":\"{}\"", side.as_str());
        }
        if let Some((got, of)) = report.counts {
            let _ = write!(text, ",\"got\":{got},\"of\":{of}");
        }
        text.push('}');
    }
    text.push_str("}}");
    text
}

fn seconds(report: &Report) -> u64 {
    report.age.map_or(0, |age| age.as_secs())
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push_str(", ");
    }
}

/// Names, words and numbers are always a valid field value.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::Side;
    use crate::reason::Reason;
    use std::time::Duration;

    fn report(name: &'static str, status: Status) -> Report {
        Report {
            name,
            status,
            reason: None,
            age: None,
            side: None,
            counts: None,
            took: Duration::from_micros(80_040),
        }
    }

    #[test]
    fn each_way_to_be_degraded_has_its_words() {
        let reports = [
            report("order", Status::Ok),
            Report {
                reason: Some(Reason::Timeout),
                ..report("reviews", Status::Omitted)
            },
            Report {
                age: Some(Duration::from_millis(42_900)),
                ..report("customer", Status::Stale)
            },
            Report {
                reason: Some(Reason::Connect),
                counts: Some((100, 140)),
                ..report("products", Status::Omitted)
            },
            Report {
                reason: Some(Reason::Status5xx),
                ..report("rating", Status::Default)
            },
        ];
        assert_eq!(
            degraded(reports.iter()).unwrap(),
            "reviews;reason=timeout, customer;stale=42, products;got=100;of=140, \
             rating;default;reason=5xx"
        );
        assert_eq!(degraded(reports[..1].iter()), None);
        assert_eq!(
            timing(reports[..3].iter()),
            "order;dur=80.0, reviews;dur=80.0, customer;dur=80.0;desc=kept"
        );
    }

    #[test]
    fn meta_is_json() {
        let reports = [
            Report {
                side: Some(Side::Service),
                age: Some(Duration::from_secs(3)),
                ..report("order", Status::Ok)
            },
            Report {
                reason: Some(Reason::Timeout),
                counts: Some((1, 2)),
                ..report("reviews", Status::Omitted)
            },
        ];
        let meta: serde_json::Value = serde_json::from_str(&meta(false, reports.iter())).unwrap();
        assert_eq!(
            meta,
            serde_json::json!({"complete": false, "parts": {
                "order": {"status": "ok", "age": 3, "side": "service"},
                "reviews": {"status": "omitted", "reason": "timeout", "got": 1, "of": 2},
            }})
        );
    }
}
