//! The page: one file without scripts and without anything from elsewhere, in light and in dark.

use chassis::problem::Problem;
use http::{HeaderValue, StatusCode};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2321;--paper:#fbfbf9;--faint:#5d6763;--line:#d9dcd6}\
@media(prefers-color-scheme:dark){:root{--ink:#e8ebe6;--paper:#151917;--faint:#9aa49f;--line:#303733}}\
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 system-ui,sans-serif}\
main{max-width:34rem;margin:18vh auto 4rem;padding:0 1.5rem}\
h1{margin:0 0 .5rem;font-size:1.75rem;line-height:1.25}\
p{margin:0 0 1rem}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:2rem 0 0;\
padding:1rem 0 0;border-top:1px solid var(--line);color:var(--faint);font-size:.875rem}\
dd{margin:0;overflow-wrap:anywhere}";

/// The hash is that of [`STYLE`], so nothing else that looks like a style is one.
pub(super) const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'sha256-uMBSW1T2WLTIx/kGhEhFlxCXA7eSFZEZRHdMkjXBDaU='; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The page of a problem.
pub(super) fn of(problem: &Problem) -> String {
    let status = problem.status();
    let heading = escaped(status.canonical_reason().unwrap_or("Error"));
    let number = status.as_u16();
    let sentence = sentence(status);
    let known = [
        ("Reason", Some(problem.title())),
        ("Detail", problem.text("detail")),
        ("Code", Some(problem.code())),
        ("Request", problem.text("request_id")),
    ];
    let mut list = String::new();
    for (name, value) in known {
        if let Some(value) = value {
            for part in ["<dt>", name, "</dt><dd>", &escaped(value), "</dd>"] {
                list.push_str(part);
            }
        }
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{number} {heading}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{heading}</h1>\n<p>{sentence}</p>\n<dl>{list}</dl>\n</main>\n</body>\n</html>\n"
    )
}

/// For somebody who knows nothing of gateways.
fn sentence(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "You have to sign in before you may see this.",
        403 => "You may not see this.",
        404 => "There is nothing at this address.",
        408 => "Your request took too long to arrive. Please try again.",
        429 => "Too many requests came from you. Please wait a little and try again.",
        400..=499 => "Your request cannot be answered as it is.",
        502..=504 => {
            "What you asked for does not answer at the moment. Please try again in a little while."
        }
        _ => "Something went wrong on our side.",
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    fn problem() -> Problem {
        Problem::new(StatusCode::BAD_GATEWAY, "upstream_reset", "It broke")
    }

    #[test]
    fn the_policy_allows_this_style_and_no_other() {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
        let named = format!("'sha256-{}'", BASE64_STANDARD.encode(hash));
        let policy = POLICY.to_str().unwrap().to_owned();
        assert!(policy.contains(&named), "{named} is not in {policy}");
    }

    #[test]
    fn a_page_says_what_went_wrong_in_words_with_code_and_request() {
        let page = of(&problem().request_id("7f").detail("no answer"));
        for said in [
            "<title>502 Bad Gateway</title>",
            "does not answer at the moment",
            "<dd>It broke</dd>",
            "<dd>no answer</dd>",
            "<dd>upstream_reset</dd>",
            "<dd>7f</dd>",
        ] {
            assert!(page.contains(said), "{said} is not in {page}");
        }
    }

    #[test]
    fn nothing_of_the_request_becomes_markup() {
        let page = of(&problem().detail("<script>\"'&").request_id("<b>"));
        assert!(page.contains("&lt;script&gt;&quot;&#39;&amp;"), "{page}");
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    }

    #[test]
    fn a_page_needs_nothing_from_elsewhere() {
        let page = of(&problem());
        for foreign in ["http://", "https://", "src=", "href=", "url(", "@import"] {
            assert!(!page.contains(foreign), "{foreign} is in {page}");
        }
    }
}
