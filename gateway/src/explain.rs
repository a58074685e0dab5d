//! What would happen to one request, and why: the same stages as on the data path, asked without a socket.

mod client;
mod spelling;

use std::borrow::Cow;
use std::net::IpAddr;

use chassis::principal::Principal;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method};
use serde::Serialize;
use strangler::{Decision, Phase, Reason};

use crate::auth::compiled::Policy;
use crate::describe;
use crate::forward::client::Client;
use crate::forward::compiled::Backend;
use crate::forward::fields::Sender;
use crate::forward::target::Paths;
use crate::judge::compiled::Canary;
use crate::listener::config::Listener;
use crate::route::compiled::{Route, Target};
use crate::route::conditions::Asked;
use crate::route::config::TargetConfig;
use crate::route::host::Authority;
use crate::side::compiled::Migration;
use crate::side::stage::{Asking, decide};
use crate::side::sticky;
use crate::snapshot::Snapshot;

/// A request that somebody asks about.
#[derive(Clone, Debug)]
pub struct Question {
    /// Where it comes in.
    pub listener: Listener,
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// Its fields, `Host` among them.
    pub fields: HeaderMap,
    /// The caller, as a verified token would say.
    pub principal: Option<Principal>,
    /// The address of the peer.
    pub peer: IpAddr,
}

/// The answer, top to bottom as the request goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Headings and what is said under them.
    pub steps: Vec<Step>,
    /// The name of the route that takes it.
    pub route: Option<String>,
    /// `legacy` or `service`, where the route has sides.
    pub side: Option<&'static str>,
    /// Which rule chose the side.
    pub reason: Option<&'static str>,
    /// The caller's bucket.
    pub bucket: Option<u16>,
    /// The upstream that answers.
    pub upstream: Option<String>,
    /// The path that it is asked for.
    pub path: Option<String>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What is decided.
    pub what: &'static str,
    /// How.
    pub said: Vec<String>,
}

impl Explanation {
    fn say(&mut self, what: &'static str, said: impl IntoIterator<Item = String>) {
        self.steps.push(Step {
            what,
            said: said.into_iter().collect(),
        });
    }
}

/// Explains.
pub fn explain(snapshot: &Snapshot, question: &Question) -> Explanation {
    let mut told = Explanation::default();
    let Some(client) = client::client(snapshot, question, &mut told) else {
        return told;
    };
    let (given, query) = question
        .target
        .split_once('?')
        .unwrap_or((&question.target, ""));
    let Some(path) = spelling::normal(given, &mut told) else {
        return told;
    };
    let unchanged = if path == given { " (as given)" } else { "" };
    told.say("path", [format!("{path}{unchanged}")]);
    let named = question.fields.get(HOST);
    let named = named.and_then(|host| Authority::read(host.as_bytes()));
    let host = named.map(|host| host.matched()).unwrap_or_default();
    let asked = Asked {
        host: &host,
        path: &path,
        query,
        method: &question.method,
        fields: &question.fields,
    };
    let Some(route) = route(snapshot, question.listener, &asked, &mut told) else {
        return told;
    };
    let table = snapshot.table(question.listener);
    let Some(path) = spelling::forwarded(table, route, given, &asked, &mut told) else {
        return told;
    };
    policies(route, question, &mut told);
    led(snapshot, &route.name, &mut told);
    side((snapshot, route), question, &client, &path, &mut told);
    told
}

fn route<'s>(
    snapshot: &'s Snapshot,
    listener: Listener,
    asked: &Asked<'_>,
    told: &mut Explanation,
) -> Option<&'s Route> {
    let table = snapshot.table(listener);
    let winner = table
        .find(asked)
        .and_then(|index| snapshot.routes.get(index));
    let mut said = match winner {
        Some(route) => vec![format!(
            "{} takes it{}",
            route.name,
            found_on(snapshot, route)
        )],
        None => vec!["none takes it: 404 route_not_found".to_owned()],
    };
    for (index, lost) in table.losers(asked) {
        if let Some(route) = snapshot.routes.get(index) {
            said.push(format!("not {}: {lost}", route.name));
        }
    }
    told.say("route", said);
    told.route = winner.map(|route| route.name.clone());
    winner
}

/// Where a route is found, unless that is the edge alone.
fn found_on(snapshot: &Snapshot, route: &Route) -> String {
    let config = snapshot.config.routes.get(&route.name);
    let listeners = config.map(describe::listeners).unwrap_or_default();
    if listeners.is_empty() {
        String::new()
    } else {
        format!(", on {}", listeners.join(" and "))
    }
}

fn policies(route: &Route, question: &Question, told: &mut Explanation) {
    let all = route
        .limits
        .before_auth
        .iter()
        .chain(&route.limits.after_auth);
    let limits: Vec<&str> = all.map(|limit| limit.config.name.as_str()).collect();
    told.say(
        "limits",
        [if question.listener == Listener::Internal {
            "none: they run at the edge".to_owned()
        } else if limits.is_empty() {
            "none".to_owned()
        } else {
            limits.join(", ")
        }],
    );
    let said = match &route.auth {
        Policy::Public => "public: no token is looked at".to_owned(),
        Policy::Tokens {
            issuers,
            scopes,
            groups,
            optional,
        } => {
            let issuers: Vec<&str> = issuers
                .iter()
                .map(|issuer| issuer.config.name.as_str())
                .collect();
            let verdict = match &question.principal {
                None if *optional && scopes.is_empty() && groups.is_empty() => {
                    "nobody passes".to_owned()
                }
                None => "without a token: 401 (say who with --user)".to_owned(),
                Some(principal) => lacks(principal, scopes, groups).map_or_else(
                    || format!("{} passes", principal.user),
                    |lack| format!("403: {lack}"),
                ),
            };
            format!("a token of {}; {verdict}", issuers.join(" or "))
        }
    };
    told.say("auth", [said]);
}

fn lacks(principal: &Principal, scopes: &[String], groups: &[String]) -> Option<String> {
    if let Some(scope) = scopes
        .iter()
        .find(|scope| !principal.scopes.contains(scope))
    {
        return Some(format!("the scope {scope} is missing (--scope)"));
    }
    let member = groups.is_empty() || groups.iter().any(|group| principal.groups.contains(group));
    (!member).then(|| format!("none of the groups {} (--group)", groups.join(", ")))
}

/// Who says how many move, where that is not the file alone.
fn led(snapshot: &Snapshot, route: &str, told: &mut Explanation) {
    let target = snapshot.config.routes.get(route).map(|route| &route.target);
    if let Some(TargetConfig::Migration(migration)) = target
        && migration.phase_in_force() == Phase::Canary
        && !migration.rollout.steps.is_empty()
    {
        let said = format!("the judge leads it through {}", migration.shares());
        told.say("canary", [said]);
    }
}

fn side(
    (snapshot, route): (&Snapshot, &Route),
    question: &Question,
    client: &Client,
    path: &str,
    told: &mut Explanation,
) {
    match &route.target {
        Target::Own(own) => told.say("answer", [own.to_string()]),
        Target::Upstream(backend) => answered_by(snapshot, (backend, route), question, path, told),
        Target::Migration(migration) => {
            if let Some(backend) = chosen(migration, route, question, client, told) {
                answered_by(snapshot, (backend, route), question, path, told);
            }
        }
    }
}

fn chosen<'m>(
    migration: &'m Migration,
    route: &Route,
    question: &Question,
    client: &Client,
    told: &mut Explanation,
) -> Option<&'m Backend> {
    let principal = question
        .principal
        .as_ref()
        .filter(|_| !matches!(route.auth, Policy::Public));
    let (method, fields) = (&question.method, &question.fields);
    let handed = sticky::handed(fields).filter(|_| client.sender == Sender::TrustedCaller);
    let own = || sticky::key(&route.sticky, principal, fields).map(Cow::Borrowed);
    let key = handed.or_else(own);
    let outcome = decide(
        migration,
        &Asking {
            principal,
            key: key.as_deref(),
            method,
            fields,
            client: client.address,
        },
    );
    let Decision {
        side,
        reason,
        bucket,
    } = outcome.decision;
    let mut said = vec![format!("{side}, by rule: {reason}")];
    if let Some(bucket) = bucket {
        let share = migration.rules.split.percent;
        let (number, below) = (bucket.number(), share.hundredths());
        said.push(format!(
            "bucket {number} of 10000; the service has those below {below} ({share})"
        ));
    }
    if let Some(canary) = &migration.canary {
        said.extend(nets(canary, outcome.decision, method));
    }
    if outcome.override_refused {
        said.push("the override is not believed from this caller".to_owned());
    }
    told.say("side", said);
    told.side = Some(side.as_str());
    told.reason = Some(reason.as_str());
    told.bucket = bucket.map(strangler::Bucket::number);
    migration.backend(side)
}

/// When legacy answers in the place of a canary's service.
fn nets(canary: &Canary, decision: Decision, method: &Method) -> impl Iterator<Item = String> {
    let cap = canary.cap(decision);
    let cap = cap.map(|cap| format!("legacy while {cap} are under way: {}", Reason::Capped));
    let has_net = canary.has_net(decision, method, &http_body_util::Empty::<&[u8]>::new());
    let net = has_net.then(|| format!("legacy when that fails: {}", Reason::Failover));
    cap.into_iter().chain(net)
}

fn answered_by(
    snapshot: &Snapshot,
    (backend, route): (&Backend, &Route),
    question: &Question,
    path: &str,
    told: &mut Explanation,
) {
    // As they are known, and until then as written.
    let members = backend.upstream.fleet.members();
    let known = members.iter().map(|member| member.endpoint.to_string());
    let written = snapshot.config.upstreams.get(&backend.upstream.name);
    let written = written.map_or(&[][..], |upstream| &upstream.endpoints);
    let mut endpoints: Vec<String> = known.collect();
    let mut base = members.first().map(|known| known.endpoint.base_path());
    if members.is_empty() {
        endpoints.extend(written.iter().map(ToString::to_string));
        base = written.first().map(|first| &*first.base_path);
    }
    let paths = Paths {
        prefix: &route.prefix,
        rewrite: &backend.path,
        base: base.unwrap_or_default(),
    };
    let target = question
        .target
        .parse()
        .ok()
        .and_then(|given| paths.target(&given, path));
    let target = target.map_or_else(|| path.to_owned(), |target| target.to_string());
    let name = &backend.upstream.name;
    told.say(
        "upstream",
        [
            format!("{name} at {}", endpoints.join(", ")),
            format!("asked for {target}"),
        ],
    );
    told.upstream = Some(name.clone());
    told.path = Some(target);
}

/// A field value from the command line.
pub fn field(value: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(value).ok()
}
