//! What the demo says once everything runs: where it is, and what to paste.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use chassis::principal::Principal;
use gateway::app::{self, Options};
use gateway::cli::token;
use jiff::SignedDuration;
use stubs::shop::Places;

use crate::ports::{BASE, Ports};
use crate::{Args, places};

/// Long enough for a day of trying.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(12);

/// Prints it.
pub(crate) fn print(args: &Args, ports: &Ports) -> anyhow::Result<()> {
    let text = format!(
        "{}\n{}",
        addresses(args, ports)?,
        commands(args, ports, &token(args, ports)?)
    );
    // A reader that has gone is no reason to stop.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

fn addresses(args: &Args, ports: &Ports) -> anyhow::Result<String> {
    let mut lines = vec![String::new()];
    let mut line = |name: &str, value: &str| lines.push(format!("  {name:16} {value}"));
    line("edge", &format!("http://{}", ports.edge));
    line("internal", &format!("http://{}", ports.internal));
    line("admin", &format!("http://{}", ports.admin));
    for (bff, address) in &ports.bffs {
        line(bff.name, &format!("http://{address}"));
    }
    for (part, address) in &ports.parts {
        line(part.name, &format!("http://{address}"));
    }
    line("routes", &args.config.display().to_string());
    line(
        "access log",
        &places::log(args, places::ACCESS_LOG)?.display().to_string(),
    );
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// A token of the shop's issuer for alice, who may pay.
fn token(args: &Args, ports: &Ports) -> anyhow::Result<String> {
    let environment = ports.environment(Path::new("off"));
    let options = Options {
        path: args.config.clone(),
        environment: std::sync::Arc::new(move |name| environment.get(name).cloned()),
    };
    let config = app::read(&options)?.config;
    let issuer = config
        .issuers
        .values()
        .next()
        .context("the routes file has no issuer, so there is no token to show")?;
    let alice = Principal {
        user: "alice".to_owned(),
        scopes: vec!["payments:write".to_owned()],
        groups: Vec::new(),
        plan: None,
    };
    token::sign(issuer, &alice, TOKEN_LIFE, &Places::below(&args.folder).key)
}

fn commands(args: &Args, ports: &Ports, token: &str) -> String {
    let (edge, admin) = (
        format!("http://{}", ports.edge),
        format!("http://{}", ports.admin),
    );
    let file = args.config.display();
    let again = if args.port_base == BASE {
        String::new()
    } else {
        format!(" --port-base {}", args.port_base)
    };
    format!(
        r#"Paste into another terminal, in this folder:

  alias banyan='cargo run -q --release -p gateway --'
  TOKEN={token}

# Nobody gets in without a token; alice does. Her answer comes from the service that replaced the monolith.
  curl -i {edge}/api/users/me
  curl -i -H "authorization: Bearer $TOKEN" {edge}/api/users/me

# Products are moving: a quarter of the callers, always the same ones. Which side has alice, and why?
  curl -si -H "authorization: Bearer $TOKEN" {edge}/api/products/7 | grep -i x-served-by
  banyan explain GET /api/products/7 --user alice --config {file}

# A whole page with one call: the BFF asks the backends at once, and says in _meta who gave each part.
  curl -s -H "authorization: Bearer $TOKEN" {edge}/web/products/7; echo
  curl -s -H "authorization: Bearer $TOKEN" '{edge}/mobile/products?limit=3'; echo

# The reviews hang; the page comes all the same, without them, and says so. Then they are back.
  curl -X PUT -d '{{"hang": true}}' http://{reviews}/__stub
  curl -si -H "authorization: Bearer $TOKEN" {edge}/web/products/8 | grep -i -e ^HTTP -e x-degraded -e server-timing
  curl -X DELETE http://{reviews}/__stub

# A part of a page changes sides: products move, the rest of the page stays where it is.
  page() {{ curl -s -H "authorization: Bearer $TOKEN" {edge}/web/products/7 | grep -o '"_meta".*'; }}
  page; sed -i 's/canary.percent = 25 /canary.percent = 100 /' {file}; sleep 1; page
  sed -i 's/canary.percent = 100 /canary.percent = 25 /' {file}; sleep 1; page

# Without a token 5 requests a second, 20 at once: the limit says when to come back.
  for i in $(seq 30); do curl -s -o /dev/null -w '%{{http_code}} ' {edge}/api/products; done; echo
  curl -i {edge}/api/products

# A cutover: keep this running in a third terminal (set TOKEN there too) ...
  while sleep 0.3; do curl -si -H "authorization: Bearer $TOKEN" {edge}/api/products/7 | grep -i -e ^HTTP -e x-served-by | tr -d '\r' | paste - -; done
# ... and move everybody, then take everybody back. The gateway says what changed; no request is lost.
  sed -i 's/canary.percent = 25 /canary.percent = 100 /' {file}
  sed -i 's/canary.percent = 100 /canary.percent = 0 /' {file}
  sed -i 's/canary.percent = 0 /canary.percent = 25 /' {file}

# A mistake in the file changes nothing but what is said.
  sed -i 's/phase = "canary"/phase = "cannary"/' {file}; sleep 1; curl -s {admin}/readyz; echo; banyan check {file}
  sed -i 's/phase = "cannary"/phase = "canary"/' {file}

# The service fails; the operator takes its callers back with one line.
  curl -X PUT -d '{{"error_rate": 1}}' http://{catalog}/__stub
  sed -i '0,/canary.percent = 25 /s//force = "legacy"\n&/' {file}
  curl -X DELETE http://{catalog}/__stub; sed -i '/^force = "legacy"$/d' {file}

  curl -s {admin}/routes; curl -s {admin}/metrics | grep banyan_requests

Ctrl-C ends all of it. Start again: cargo run --release -p demo{separator}{again}
"#,
        catalog = ports.parts[2].1,
        reviews = ports.parts[3].1,
        separator = if again.is_empty() { "" } else { " --" },
    )
}
