//! How a problem is said to whoever asks: as JSON to programs, as a small page to people with a browser, as the
//! end of a call to gRPC.

mod page;
pub mod grpc;

use bytes::Bytes;
use chassis::problem::Problem;
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method, Response};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// What a caller takes best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// `application/problem+json`.
    Problem,
    /// A page.
    Page,
    /// The end of a call of gRPC.
    GrpcStatus,
}

impl Taken {
    /// A page is for whoever looks at something (GET, HEAD) and says that HTML suits better than JSON.
    pub fn by(method: &Method, fields: &HeaderMap) -> Self {
        if grpc::is_call(fields) {
            return Self::GrpcStatus;
        }
        let looks = matches!(*method, Method::GET | Method::HEAD);
        if looks && fields.contains_key(ACCEPT) && prefers_html(fields) {
            Self::Page
        } else {
            Self::Problem
        }
    }
}

/// The whole answer.
pub fn render<B: From<Bytes>>(problem: &Problem, taken: Taken) -> Response<B> {
    let mut answer = match taken {
        Taken::GrpcStatus => return grpc::render(problem),
        Taken::Problem => problem.to_response(),
        Taken::Page => {
            let mut answer = problem.to_response_of(HTML, page::of(problem).into());
            let fields = answer.headers_mut();
            fields.insert(CONTENT_SECURITY_POLICY, page::POLICY);
            fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            answer
        }
    };
    let vary = HeaderValue::from_static("accept");
    answer.headers_mut().append(VARY, vary);
    answer
}

/// How good a media type is, and whether it was named; a range with `*` names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quality {
    /// Thousandths.
    weight: u16,
    /// 0 where nothing takes it, 1 for `*/*`, 2 for `text/*`, 3 where it is named.
    precision: u8,
}

/// HTML has to be named: `*/*` is said by programs that did not think about it.
fn prefers_html(fields: &HeaderMap) -> bool {
    let html = quality(fields, "text", &["html"]);
    if html.precision < 3 || html.weight == 0 {
        return false;
    }
    let json = quality(fields, "application", &["problem+json", "json"]);
    html.weight > json.weight || html.weight == json.weight && json.precision < 3
}

/// The most precise range counts (RFC 9110, section 12.5.1).
fn quality(fields: &HeaderMap, kind: &str, subtypes: &[&str]) -> Quality {
    let mut best = Quality {
        weight: 0,
        precision: 0,
    };
    for value in fields.get_all(ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let (main, sub) = parts
                .next()
                .and_then(|range| range.split_once('/'))
                .unwrap_or_default();
            let is = |text: &str, other: &&str| text.eq_ignore_ascii_case(other);
            let precision = match (main, sub) {
                ("*", "*") => 1,
                (main, "*") if is(main, &kind) => 2,
                (main, sub) if is(main, &kind) && subtypes.iter().any(|one| is(sub, one)) => 3,
                _ => continue,
            };
            let weight = parts.find_map(weight).unwrap_or(1000);
            if (precision, weight) > (best.precision, best.weight) {
                best = Quality { weight, precision };
            }
        }
    }
    best
}

/// `q=0.8` in thousandths; what cannot be read is worth nothing.
fn weight(parameter: &str) -> Option<u16> {
    let value = parameter
        .strip_prefix("q=")
        .or_else(|| parameter.strip_prefix("Q="))?;
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    let digits = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = || format!("{part:0<3}").parse::<u16>().ok();
    Some(match whole {
        "1" if digits => 1000,
        "0" if digits => thousandths().unwrap_or(0),
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    fn taken(accept: &[&'static str]) -> Taken {
        let mut fields = HeaderMap::new();
        for value in accept {
            fields.append(ACCEPT, HeaderValue::from_static(value));
        }
        Taken::by(&Method::GET, &fields)
    }

    #[test]
    fn browsers_get_a_page_and_programs_do_not() {
        for accept in [
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
            "text/html, */*",
            "TEXT/HTML",
            "application/json;q=0.5, text/html;q=0.6",
            "text/html;level=1;q=0.7, */*;q=0.1",
            "text/html;q=0.5, application/json;q=0",
        ] {
            assert_eq!(taken(&[accept]), Taken::Page, "{accept}");
        }
        for accept in [
            "*/*",
            "text/*",
            "application/json",
            "application/problem+json, text/html",
            "application/json, text/plain, */*",
            "text/html;q=0",
            "text/html;q=0.5, */*",
            "text/html;q=2",
            "text/html;q=0.1234",
            "text/htmlx",
            "html",
            ",;/,",
        ] {
            assert_eq!(taken(&[accept]), Taken::Problem, "{accept}");
        }
        assert_eq!(taken(&[]), Taken::Problem);
        assert_eq!(taken(&["application/json", "text/html"]), Taken::Problem);
        assert_eq!(taken(&["*/*;q=0.1", "text/html"]), Taken::Page);
    }

    #[test]
    fn who_does_something_gets_no_page() {
        let mut fields = HeaderMap::new();
        fields.insert(ACCEPT, HeaderValue::from_static("text/html"));
        assert_eq!(Taken::by(&Method::HEAD, &fields), Taken::Page);
        assert_eq!(Taken::by(&Method::POST, &fields), Taken::Problem);
    }

    #[test]
    fn both_say_the_same_status_and_fields() {
        let problem = Problem::new(StatusCode::NOT_FOUND, "route_not_found", "No route")
            .field(http::header::RETRY_AFTER, 7.into());
        for taken in [Taken::Problem, Taken::Page] {
            let answer: Response<Bytes> = render(&problem, taken);
            assert_eq!(answer.status(), 404);
            assert_eq!(answer.headers()["retry-after"], "7");
            assert_eq!(answer.headers()["vary"], "accept");
            let length = answer.body().len().to_string();
            assert_eq!(answer.headers()["content-length"], length.as_str());
        }
        let page: Response<Bytes> = render(&problem, Taken::Page);
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    }
}
