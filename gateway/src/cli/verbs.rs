//! `banyan kill`, `rollback`, `hold`, `resume` and `advance`: words to a running gateway, in force at once.

use super::remote::{Remote, RemoteArgs, WordArgs};
use super::{Output, print};
use crate::admin::verbs::{Done, Order};

/// A word about one route.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The route's name.
    route: String,
    #[command(flatten)]
    said: Said,
}

/// A word about one route or all of them.
#[derive(Debug, clap::Args)]
pub(super) struct AllArgs {
    /// The route's name.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    route: Option<String>,
    /// All routes at once.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    said: Said,
}

/// What is resumed.
#[derive(Debug, clap::Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    of: AllArgs,
    /// After a rollback: the same callers come first again.
    #[arg(long, conflicts_with = "all")]
    keep_cohort: bool,
}

#[derive(Debug, clap::Args)]
struct Said {
    #[command(flatten)]
    word: WordArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn kill(args: &AllArgs) -> anyhow::Result<()> {
    args.said.say(args.route.as_deref(), "kill", false)
}

pub(super) fn rollback(args: &Args) -> anyhow::Result<()> {
    args.said.say(Some(&args.route), "rollback", false)
}

pub(super) fn hold(args: &Args) -> anyhow::Result<()> {
    args.said.say(Some(&args.route), "hold", false)
}

pub(super) fn advance(args: &Args) -> anyhow::Result<()> {
    args.said.say(Some(&args.route), "advance", false)
}

pub(super) fn resume(args: &ResumeArgs) -> anyhow::Result<()> {
    let route = args.of.route.as_deref();
    args.of.said.say(route, "resume", args.keep_cohort)
}

impl Said {
    /// Of one route, or of all.
    fn say(&self, route: Option<&str>, verb: &str, keep_cohort: bool) -> anyhow::Result<()> {
        let order = Order {
            who: self.word.who(),
            why: self.word.why.clone(),
            keep_cohort,
        };
        let remote = Remote::at(&self.remote)?;
        let done: Done = match route {
            Some(route) => remote.post(&["migrations", route, verb], &order)?,
            None => remote.post(&[verb], &order)?,
        };
        if self.output == Output::Json {
            print::line(&serde_json::to_string(&done)?);
            return Ok(());
        }
        let route = if done.route == "*" {
            "all routes"
        } else {
            &done.route
        };
        print::line(&format!("{route}: {} -> {}", done.before, done.after));
        if let Some(trouble) = &done.trouble {
            print::note(&format!(
                "it is in force, and ends with the gateway's process, because state is not kept: {trouble}"
            ));
        }
        Ok(())
    }
}
