//! A route that moves: `phase`, `force`, `salt`, `epoch`, `override`, `canary`, `flag`, `shadow`, `judge`, and whether they
//! agree with each other.

use http::Method;
use strangler::{Over, Phase, Split};

use crate::auth::config::AuthConfig;
use crate::config::backend::nowhere;
use crate::config::judge::{Judge, judge};
use crate::config::names::Kind;
use crate::config::report::{At, Diagnostic, Place, listed, quoted};
use crate::config::rollout::{Rollout, rollout};
use crate::config::shadow::{Shadow, shadow};
use crate::config::split::{Canary, Flags, canary};
use crate::config::sticky::{self, Override};
use crate::config::table::Table;
use crate::config::value::Value;
use crate::forward::config::BackendConfig;
use crate::side::config::{MigrationConfig, OverrideConfig, OverrideRequire, Sticky};

const PHASES: [(&str, Phase); 5] = [
    ("legacy", Phase::Legacy),
    ("shadow", Phase::Shadow),
    ("canary", Phase::Canary),
    ("migrated", Phase::Migrated),
    ("retired", Phase::Retired),
];

/// The keys that only a route with two sides has.
pub(super) const KEYS: [&str; 9] = [
    "phase", "force", "salt", "epoch", "override", "canary", "flag", "shadow", "judge",
];

/// What is known of the route by now.
pub(super) struct Route<'r> {
    pub(super) name: &'r str,
    /// Nothing where it could not be read.
    pub(super) auth: Option<&'r At<AuthConfig>>,
    pub(super) methods: &'r [Method],
    pub(super) flags: &'r Flags,
    pub(super) default_sticky: Option<&'r [At<Sticky>]>,
    pub(super) default_judge: &'r Judge,
}

/// What the file says of a migration, before it is known whether it agrees.
pub(super) struct Written {
    pub(super) phase: Option<At<Phase>>,
    has_phase: bool,
    forced_legacy: bool,
    salt: Option<At<String>>,
    epoch: u32,
    chooser: Override,
    canary: Canary,
    rollout: Rollout,
    flag: Option<At<String>>,
    shadow: Shadow,
    judge: Judge,
}

pub(super) fn written(table: &Table<'_>, default_judge: &Judge) -> Written {
    let phase = table.get("phase");
    let force = table.get("force");
    let forced = force.and_then(|value| value.choice(&[("legacy", ())]));
    let epoch = table.get("epoch");
    let salt = table.get("salt");
    let flag = table.get("flag");
    let has_phase = phase.is_some();
    let canary_table = table.table("canary");
    let canary = canary(&canary_table);
    Written {
        phase: phase.and_then(|value| Some(value.at(value.choice(&PHASES)?))),
        has_phase,
        forced_legacy: forced.is_some(),
        salt: salt.and_then(|value| Some(value.at(value.word()?))),
        epoch: epoch
            .and_then(|value| value.integer(1..=u32::MAX))
            .unwrap_or(1),
        chooser: sticky::chooser(&table.table("override")),
        rollout: rollout(&canary_table, &canary),
        canary,
        flag: flag.and_then(|value| flag_name(&value)),
        shadow: shadow(table),
        judge: judge(table, default_judge),
    }
}

fn flag_name(value: &Value<'_>) -> Option<At<String>> {
    let name = value.at(value.word()?);
    value.reading.names.borrow_mut().uses(Kind::Flag, &name);
    Some(name)
}

/// Joins what was written with the two sides.
pub(super) fn read(
    table: &Table<'_>,
    written: Written,
    route: &Route<'_>,
    legacy: Option<BackendConfig>,
    service: Option<BackendConfig>,
) -> Option<MigrationConfig> {
    sides_fit_the_phase(table, &written);
    flag_decides_alone(table, &written);
    canary_can_move(table, &written, route);
    someone_is_known(table, &written, route);
    let phase = written.phase.as_ref();
    let shadow = written.shadow.of_route(table, phase);
    let judge = written.judge.of_route(table, phase, &written.rollout.times);
    let salt = written.salt.clone().or_else(|| written.flag.clone());
    Some(MigrationConfig {
        legacy,
        service,
        phase: phase?.value,
        forced_legacy: written.forced_legacy,
        salt: salt.map_or_else(|| route.name.to_owned(), |salt| salt.value),
        epoch: written.epoch,
        chooser: chooser(&written, route),
        split: split(&written, route),
        flag: written.flag.map(|flag| flag.value),
        over: Over::default(),
        rollout: written.rollout.config,
        judge: Box::new(judge),
        shadow,
    })
}

/// A scope of nobody's lets nobody choose.
fn chooser(written: &Written, route: &Route<'_>) -> Option<OverrideConfig> {
    let config = written.chooser.config.clone();
    let by_scope = matches!(config.require, OverrideRequire::Scope(_));
    (!(by_scope && is_public(route))).then_some(config)
}

fn split(written: &Written, route: &Route<'_>) -> Split {
    let canary = &written.canary;
    // Led by the judge, a canary begins with its first step.
    let first = written.rollout.config.steps.first().copied();
    let flag = written.flag.as_ref();
    let flag = flag.and_then(|flag| route.flags.get(&flag.value));
    match flag {
        Some(flag) => Split {
            methods: canary.methods.clone(),
            ..flag.split.clone()
        },
        None => Split {
            enabled: true,
            percent: first.or(canary.percent).unwrap_or_default(),
            methods: canary.methods.clone(),
            allow: canary.allow.clone(),
            deny: canary.deny.clone(),
        },
    }
}

fn is_public(route: &Route<'_>) -> bool {
    route
        .auth
        .is_some_and(|auth| auth.value == AuthConfig::Public)
}

fn sides_fit_the_phase(table: &Table<'_>, written: &Written) {
    if !written.has_phase {
        let help = "add phase = \"legacy\", which changes nothing yet; or shadow, canary, migrated, retired";
        table.reading.report(table.missing("phase").help(help));
    }
    let Some(phase) = &written.phase else {
        return;
    };
    let needed: &[&str] = match phase.value {
        Phase::Legacy => &["legacy"],
        Phase::Shadow | Phase::Canary | Phase::Migrated => &["legacy", "service"],
        Phase::Retired => &["service"],
    };
    for side in needed.iter().filter(|side| !table.has(side)) {
        let said = format!("is missing, and phase {} needs it", phase.value);
        let help = match (phase.value, *side) {
            (Phase::Migrated, "legacy") => {
                "migrated keeps the way back: name legacy, or write phase = \"retired\"".to_owned()
            }
            _ => format!("add {side} = \"NAME\", the name of an [upstream.NAME]"),
        };
        let error = Diagnostic::error(&nowhere(table, side), said);
        let error = error.also(&phase.place, format!("phase {}", phase.value));
        table.reading.report(error.help(help).needs_all());
    }
}

fn flag_decides_alone(table: &Table<'_>, written: &Written) {
    let Some(flag) = &written.flag else {
        return;
    };
    let set = "set it in the flag, or take out the route's flag";
    let take_out = "take it out, or take out the route's flag: a flag is led by hand";
    let own = written.canary.flags_own.iter().map(|own| (own, set));
    let led = written.rollout.not_with_flag.iter();
    for (own, help) in own.chain(led.map(|own| (own, take_out))) {
        let said = format!("the flag {} decides this", quoted(&flag.value));
        let error = Diagnostic::error(own, said).also(&flag.place, "the flag");
        table.reading.report(error.help(help));
    }
    if let Some(salt) = &written.salt {
        let error = Diagnostic::error(&salt.place, "a flag's split is salted with the flag's name");
        let error = error.also(&flag.place, "the flag");
        table.reading.report(
            error.help("take out salt, so that everybody who asks the flag gets the same answer"),
        );
    }
}

fn canary_can_move(table: &Table<'_>, written: &Written, route: &Route<'_>) {
    let canary = &written.canary;
    let Some(phase) = &written.phase else {
        return;
    };
    if phase.value != Phase::Canary {
        return;
    }
    let says_how_many = canary.percent_at.is_some() || written.rollout.has_steps;
    if written.flag.is_none() && !table.has("flag") && !says_how_many {
        let error = Diagnostic::error(&nowhere(table, "canary.percent"), "is missing");
        let error = error.also(&phase.place, "a canary goes by percent");
        let help = "add canary.percent = 0, which moves nobody yet, canary.steps = [1, 5, 25, 50, 100], which the judge leads through, or flag = \"NAME\"";
        table.reading.report(error.help(help).needs_all());
    }
    let moves = |method: &Method| canary.methods.contains(method.as_str());
    if !route.methods.is_empty() && !canary.methods.is_empty() && !route.methods.iter().any(moves) {
        let place = canary.methods_at.clone();
        let place = place.unwrap_or_else(|| nowhere(table, "canary.methods"));
        let moving: Vec<&String> = canary.methods.iter().collect();
        let taken: Vec<&str> = route.methods.iter().map(Method::as_str).collect();
        let said = format!(
            "nothing would ever move: the route takes {}, the canary moves {}",
            listed(&taken, "and"),
            listed(&moving, "and"),
        );
        let help = "writes move only when canary.methods lists them";
        table
            .reading
            .report(Diagnostic::error(&place, said).needs_all().help(help));
    }
}

/// Users, groups and scopes mean nothing where nobody is asked who they are.
fn someone_is_known(table: &Table<'_>, written: &Written, route: &Route<'_>) {
    let Some(auth) = route.auth.filter(|_| is_public(route)) else {
        return;
    };
    let refuse = |place: &Place, said: &str, help: &str| {
        let error = Diagnostic::error(place, said).also(&auth.place, "public");
        table.reading.report(error.help(help).needs_all());
    };
    let identity = "ask who is calling: auth = { issuers = [\"…\"], optional = true }";
    for list in &written.canary.lists {
        refuse(
            list,
            "nobody is known here, so nobody is on the list",
            identity,
        );
    }
    if let (OverrideRequire::Scope(_), Some(place)) =
        (&written.chooser.config.require, &written.chooser.require_at)
    {
        let help = "write \"cidr:…\", or ask who is calling";
        refuse(place, "nobody is known here, so nobody has a scope", help);
    }
    if let Some(flag) = &written.flag
        && let Some(known) = route.flags.get(&flag.value)
        && !(known.split.allow.is_empty() && known.split.deny.is_empty())
    {
        refuse(
            &flag.place,
            "the flag lists users or groups, but nobody is known here",
            identity,
        );
    }
    moves_by_users_only(table, written, route, refuse);
}

/// A list of its own that names users is refused in any case, elsewhere.
fn moves_by_users_only(
    table: &Table<'_>,
    written: &Written,
    route: &Route<'_>,
    refuse: impl Fn(&Place, &str, &str),
) {
    let others = route
        .default_sticky
        .is_some_and(|list| list.iter().any(|source| source.value != Sticky::User));
    let moves = written
        .phase
        .as_ref()
        .is_some_and(|phase| phase.value == Phase::Canary);
    if moves && !others && !table.has("sticky") {
        refuse(
            &nowhere(table, "sticky"),
            "is [\"user\"] by default, and nobody is known here: nobody would ever move",
            sticky::WITHOUT_USERS,
        );
    }
}
