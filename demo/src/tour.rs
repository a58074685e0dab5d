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
use crate::{Args, USUAL_FILE, USUAL_FOLDER, places};

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
    let kept = places::kept(args)?;
    line("access log", &kept.access_log.display().to_string());
    line(
        "state",
        &format!(
            "{}; what an operator says lasts until it is taken back, over restarts too",
            kept.state.display()
        ),
    );
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// A token of the shop's issuer for alice, who may pay.
fn token(args: &Args, ports: &Ports) -> anyhow::Result<String> {
    let environment = ports.environment(&places::kept(args)?, std::env::vars_os());
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
    let edge = format!("http://{}", ports.edge);
    let file = args.config.display();
    let at = option("config", &args.config, USUAL_FILE);
    // The commands find the gateway by the file's own words, which the demo has filled in otherwise.
    let (found, again) = if args.port_base == BASE {
        (String::new(), String::new())
    } else {
        (
            format!("BANYAN_ADMIN_BIND={} ", ports.admin),
            format!(" --port-base {}", args.port_base),
        )
    };
    let moving = format!(
        "{}\n{}",
        see_before_you_move(args, ports),
        judged(args, ports)
    );
    format!(
        r#"Paste into another terminal, in this folder:

  alias banyan='{found}cargo run -q --release -p gateway --'
  TOKEN={token}

# Nobody gets in without a token; alice does. Her answer comes from the service that replaced the monolith.
  curl -i {edge}/api/users/me
  curl -i -H "authorization: Bearer $TOKEN" {edge}/api/users/me

# Products are moving: a quarter of the callers, always the same ones. Which side has alice, and why?
  curl -si -H "authorization: Bearer $TOKEN" {edge}/api/products/7 | grep -i x-served-by
  banyan explain GET /api/products/7 --user alice{at}

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

{moving}
# A cutover: keep this running in a third terminal (set TOKEN there too) ...
  while sleep 0.3; do curl -si -H "authorization: Bearer $TOKEN" {edge}/api/products/7 | grep -i -e ^HTTP -e x-served-by | tr -d '\r' | paste - -; done
# ... and move everybody, then take everybody back. The gateway says what changed; no request is lost.
  sed -i 's/canary.percent = 25 /canary.percent = 100 /' {file}
  sed -i 's/canary.percent = 100 /canary.percent = 0 /' {file}
  sed -i 's/canary.percent = 0 /canary.percent = 25 /' {file}

{trouble}"#,
        reviews = ports.parts[3].1,
        trouble = trouble(args, ports, &again),
    )
}

/// A route in phase shadow: what differs, why nobody is moved yet, what opens the way, and the ways back.
fn see_before_you_move(args: &Args, ports: &Ports) -> String {
    let edge = format!("http://{}", ports.edge);
    let orders = format!("http://{}", ports.parts[6].1);
    // Said only where it is not what the commands expect.
    let at = option("config", &args.config, USUAL_FILE);
    let key = Places::below(&args.folder).key;
    let signed = option("key", &key, &format!("{USUAL_FOLDER}/issuer-key.pem"));
    format!(
        r#"# See before you move: the monolith answers for orders, the new service gets copies, and the answers are compared.
  traffic() {{ curl -s -o /dev/null -H "authorization: Bearer $TOKEN" "{edge}/api/orders/564?n=[1-80]"; sleep 1; }}
  traffic; banyan status{at}
  banyan diffs orders{at}
# Each answer's own time is ignored, as the file says. The price as text is a fault, so nobody is moved, and nothing is written:
  banyan cutover orders --to canary --percent 5{at}
# Mend the service. After as many right answers as the gate asks for it opens by itself, and one caller in twenty is moved.
  curl -s -X PUT -d '{{"price_as_text": false}}' {orders}/__stub; echo
  traffic; banyan cutover orders --to canary --percent 5{at}
  served() {{ curl -si -H "authorization: Bearer $(banyan token --user $1{signed}{at})" {edge}/api/orders | grep -i x-served-by; }}
  sleep 1; for user in alice tara bob ida; do echo "$user $(served $user)"; done
# Trouble at night? One word takes everybody back at once, over whatever the file says, until somebody resumes.
  banyan kill orders --why "totals look wrong"{at}; served tara
  banyan status orders{at}
  banyan resume orders --why "it was the report"{at}; served tara
# And back to where it began: the file is as it was, to the byte.
  banyan cutover orders --to shadow{at}
"#
    )
}

/// A canary that the judge leads, and that leaves a broken service by itself.
fn judged(args: &Args, ports: &Ports) -> String {
    let recommendations = format!("http://{}", ports.parts[5].1);
    let at = option("config", &args.config, USUAL_FILE);
    format!(
        r#"# A canary led by the judge: {rate} requests a second ask for what is recommended, a quarter of the callers get the new service.
  banyan status recommended{at}
# Healthy, it goes on to half of them after a minute or two, 20 s later to all, 20 s later it is through: "effective migrated", with
# nobody's help. If it is through already, let it begin anew:
  banyan cutover recommended --to legacy{at}; sleep 1; banyan cutover recommended --to canary{at}
# Break the service on the way ...
  curl -s -X PUT -d '{{"error_rate": 0.5}}' {recommendations}/__stub; echo; sleep 6
# ... and everybody is back on legacy. What happened, and how many met it?
  banyan history recommended{at}
# Mend it, and let other callers in first.
  curl -s -X DELETE {recommendations}/__stub; echo
  banyan resume recommended --why "mended"{at}
"#,
        rate = args.traffic,
    )
}

/// What goes wrong, and how it all begins again.
fn trouble(args: &Args, ports: &Ports, again: &str) -> String {
    format!(
        r#"# A mistake in the file changes nothing but what is said.
  sed -i 's/phase = "canary"/phase = "cannary"/' {file}; sleep 1; curl -s {admin}/readyz; echo; banyan check {file}
  sed -i 's/phase = "cannary"/phase = "canary"/' {file}

# The service fails; the operator takes its callers back with one line.
  curl -X PUT -d '{{"error_rate": 1}}' http://{catalog}/__stub
  sed -i '0,/canary.percent = 25 /s//force = "legacy"\n&/' {file}
  curl -X DELETE http://{catalog}/__stub; sed -i '/^force = "legacy"$/d' {file}

  curl -s {admin}/routes; curl -s {admin}/metrics | grep banyan_requests

Ctrl-C ends all of it. Start again: cargo run --release -p demo{separator}{again}
"#,
        admin = format_args!("http://{}", ports.admin),
        file = args.config.display(),
        catalog = ports.parts[2].1,
        separator = if again.is_empty() { "" } else { " --" },
    )
}

fn option(name: &str, value: &Path, usual: &str) -> String {
    if value == Path::new(usual) {
        String::new()
    } else {
        format!(" --{name} {}", value.display())
    }
}
