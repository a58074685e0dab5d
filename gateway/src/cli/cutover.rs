//! `banyan cutover ROUTE --to PHASE`, and what `retire` shares with it: one route's phase in the file.

use serde_json::{Value, json};
use strangler::{Percent, Phase};

use super::remote::{NobodyThere, Remote, RemoteArgs, who};
use super::{FileArg, Output, load, print};
use crate::admin::verbs::{Permission, Wish};
use crate::app::StartError;
use crate::config::report::Report;
use crate::config::source::Source;
use crate::config::{self, Config, Loaded};
use crate::edit::file::Editing;
use crate::edit::{patch, text};
use crate::route::config::TargetConfig;
use crate::side::config::MigrationConfig;
use crate::snapshot::Snapshot;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The route's name.
    route: String,
    /// legacy, shadow, canary, migrated or retired.
    #[arg(long, value_name = "PHASE")]
    to: Phase,
    /// The share of callers that a canary moves.
    #[arg(long, value_name = "N", value_parser = percent)]
    percent: Option<Percent>,
    #[command(flatten)]
    how: How,
}

/// How a route is moved.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    #[command(flatten)]
    remote: RemoteArgs,
    /// Move it although its history does not allow it yet: once, within five minutes, and audited.
    #[arg(long, requires = "why", conflicts_with = "print_patch")]
    force: bool,
    /// The reason.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Who moves it; by default the name that you are logged in with.
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Print the change as a patch and write nothing.
    #[arg(long)]
    print_patch: bool,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// Where a route shall be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) route: &'a str,
    pub(super) to: Phase,
    pub(super) percent: Option<Percent>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let wanted = Wanted {
        route: &args.route,
        to: args.to,
        percent: args.percent,
    };
    carry_out(&wanted, &args.how)
}

fn percent(text: &str) -> Result<Percent, String> {
    let digits = text.trim_end_matches('%').trim_end();
    let number: f64 = digits
        .parse()
        .map_err(|_| "write a number from 0 to 100".to_owned())?;
    Percent::try_from(number).map_err(|error| error.to_string())
}

/// Edits the file, or prints the patch.
pub(super) fn carry_out(wanted: &Wanted<'_>, how: &How) -> anyhow::Result<()> {
    let environment = load::environment();
    let editing = Editing::open(&how.remote.file.config).map_err(StartError::File)?;
    let source = editing.source();
    let before = valid(source, &*environment, how)?;
    let edited = match (wanted.to, wanted.percent) {
        (Phase::Retired, None) => text::retire(&source.text, wanted.route)?,
        (phase, percent) => text::cutover(&source.text, wanted.route, phase, percent)?,
    };
    let edited = editing.edited(edited);
    let after = if edited.text == source.text {
        before.clone()
    } else {
        let after = valid(&edited, &*environment, how);
        after.inspect_err(|_| print::note("the file would say this, so nothing is written:"))?
    };
    // What only shows when it is compiled.
    Snapshot::of_file(after.config.clone())?;
    let (from, to) = (
        migration(&before.config, wanted.route)?,
        migration(&after.config, wanted.route)?,
    );
    let mut is_checked = true;
    let is_written = if edited.text == source.text {
        None
    } else {
        is_checked = permission(&before.config, wanted.route, (from, to), how)?;
        if !how.print_patch {
            editing.commit(&edited.text, &*environment)?;
        }
        Some(!how.print_patch)
    };
    let moved = Moved {
        wanted,
        from,
        to,
        is_written,
        is_checked,
        patch: patch::unified(&how.remote.file.config, &source.text, &edited.text),
    };
    if how.output == Output::Json {
        print::line(&moved.in_json().to_string());
        return Ok(());
    }
    say_new_warnings(&before.warnings, &after.warnings);
    moved.say(&how.remote.file);
    Ok(())
}

/// Whether the route may move now: the running gateway knows its history, and keeps who moves it. With `force` it keeps that the operator
/// stands above it. Says whether it was asked: where there is none, the next one looks when it starts.
fn permission(
    config: &Config,
    route: &str,
    (from, to): (&MigrationConfig, &MigrationConfig),
    how: &How,
) -> anyhow::Result<bool> {
    if how.print_patch {
        return Ok(false);
    }
    let is_back = to.phase < from.phase;
    let forward = to.split.percent > from.split.percent;
    let to = to.phase;
    let wish = Wish {
        to,
        forward,
        who: who(how.who.as_deref()),
        why: how.why.clone().unwrap_or_else(|| "cutover".to_owned()),
        force: how.force,
    };
    let asked = Remote::of(&how.remote, &config.admin)
        .and_then(|remote| remote.post(&["migrations", route, "permission"], &wish));
    let answer: Permission = match asked {
        Err(error) if error.is::<NobodyThere>() && !how.force => return Ok(is_back),
        asked => asked?,
    };
    match answer.against {
        None => Ok(true),
        Some(against) => anyhow::bail!(
            "{route} may not enter {to} yet: {against}; the file stays as it is (--force and --why stand above that, audited)"
        ),
    }
}

/// What the text says, if it holds together; programs get the findings.
fn valid(
    source: &Source,
    env: &dyn Fn(&str) -> Option<String>,
    how: &How,
) -> anyhow::Result<Loaded> {
    config::load(source, env).map_err(|report| {
        if how.output == Output::Json {
            print::line(&json!({ "written": false, "findings": report.to_json() }).to_string());
            anyhow::anyhow!("{}", report.summary())
        } else {
            StartError::Config(Box::new(report)).into()
        }
    })
}

fn migration<'c>(config: &'c Config, route: &str) -> anyhow::Result<&'c MigrationConfig> {
    match config.routes.get(route).map(|route| &route.target) {
        Some(TargetConfig::Migration(migration)) => Ok(migration),
        _ => anyhow::bail!("route {route:?} has no two sides"),
    }
}

fn say_new_warnings(before: &Report, after: &Report) {
    let known = |path: &str, message: &str| {
        let mut known = before.diagnostics.iter();
        known.any(|known| known.path == path && known.message == message)
    };
    let mut new = after.clone();
    new.diagnostics
        .retain(|warning| !known(&warning.path, &warning.message));
    if !new.is_empty() {
        print::note(&new.render(print::is_watched()));
    }
}

/// What came of it.
struct Moved<'a> {
    wanted: &'a Wanted<'a>,
    from: &'a MigrationConfig,
    to: &'a MigrationConfig,
    /// Nothing when the file says so already.
    is_written: Option<bool>,
    /// A running gateway had nothing against it.
    is_checked: bool,
    patch: String,
}

impl Moved<'_> {
    fn in_json(&self) -> Value {
        let is_canary = self.to.phase == Phase::Canary;
        let steps = &self.to.rollout.steps;
        let percent = (is_canary && steps.is_empty()).then_some(self.to.split.percent);
        let steps = is_canary.then(|| steps.iter().map(|step| step.number()));
        let steps: Vec<f64> = steps.into_iter().flatten().collect();
        json!({
            "route": self.wanted.route,
            "from": self.from.phase.as_str(),
            "to": self.to.phase.as_str(),
            "percent": percent.map(Percent::number),
            "steps": (!steps.is_empty()).then_some(steps),
            "written": self.is_written == Some(true),
            "checked": self.is_checked,
            "patch": self.is_written.map(|_| &self.patch),
        })
    }

    fn say(&self, file: &FileArg) {
        let (route, file) = (self.wanted.route, file.config.display());
        let (from, to) = (in_words(self.from), in_words(self.to));
        match self.is_written {
            None => print::line(&format!("{route}: is {to} already; {file} stays as it is")),
            Some(true) => print::line(&format!(
                "{route}: {from} -> {to}; {file} is written, a running gateway takes it over"
            )),
            Some(false) => {
                print::exactly(&self.patch);
                print::note(&format!("{route}: {from} -> {to}; nothing is written"));
            }
        }
        if self.is_written == Some(true) && !self.is_checked {
            let to = self.to.phase;
            print::note(&format!(
                "no gateway runs with this file's [admin]; whether {route} may enter {to} is looked at when one starts"
            ));
        }
        if self.to.forced_legacy && self.to.phase > Phase::Shadow {
            print::note(&format!(
                "{route}: force = \"legacy\" stands above the phase, so legacy answers until it is taken out"
            ));
        }
    }
}

fn in_words(migration: &MigrationConfig) -> String {
    match (migration.phase, &migration.flag) {
        (Phase::Canary, None) => format!("canary {}", migration.shares()),
        (Phase::Canary, Some(flag)) => {
            format!("canary {} by flag {flag}", migration.split.percent)
        }
        (phase, _) => phase.to_string(),
    }
}
