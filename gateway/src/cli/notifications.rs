//! `banyan notifications`: what became of the messages to webhooks, and dead ones tried again.

use chassis::clock::Clock;
use clap::Subcommand;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

use super::remote::{Remote, RemoteArgs, WordArgs};
use super::status::ago;
use super::{Output, print};
use crate::admin::notifications::Retry;
use crate::store::outbox::{MessageRow, Outbox};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// List the messages that were given up, instead of those that wait.
    #[arg(long)]
    dead: bool,
    #[command(flatten)]
    remote: RemoteArgs,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Try a message again that was given up.
    Retry(RetryArgs),
}

#[derive(Debug, clap::Args)]
struct RetryArgs {
    /// The message's id.
    id: String,
    #[command(flatten)]
    word: WordArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    if let Some(Verb::Retry(args)) = &args.verb {
        return retry(args);
    }
    let remote = Remote::at(&args.remote)?;
    let state = if args.dead { "dead" } else { "pending" };
    let outbox: Outbox = remote.find(&["notifications"], &[("state", state)])?;
    let said = match args.output {
        Output::Json => serde_json::to_string(&outbox)?,
        Output::Text => in_words(&outbox, args.dead, Clock::system().unix().as_secs_f64()),
    };
    print::line(&said);
    Ok(())
}

fn retry(args: &RetryArgs) -> anyhow::Result<()> {
    let order = Retry {
        who: args.word.who(),
        why: args.word.why.clone(),
    };
    let remote = Remote::at(&args.remote)?;
    let message: MessageRow = remote.post(&["notifications", &args.id, "retry"], &order)?;
    match args.output {
        Output::Json => print::line(&serde_json::to_string(&message)?),
        Output::Text => {
            let MessageRow { id, webhook, .. } = &message;
            print::line(&format!("{id}: is tried again, to {webhook}"));
        }
    }
    Ok(())
}

fn in_words(outbox: &Outbox, dead: bool, now: f64) -> String {
    if outbox.webhooks.is_empty() {
        return "nobody is told: the file has no [webhook.NAME]".to_owned();
    }
    let ago = |at: std::time::Duration| ago(now - at.as_secs_f64());
    let mut table = table(&["WEBHOOK", "PENDING", "DEAD", "DELIVERED", "LAST DELIVERED"]);
    for (name, sent) in &outbox.webhooks {
        table.add_row([
            name.clone(),
            sent.pending.to_string(),
            sent.dead.to_string(),
            sent.delivered.to_string(),
            sent.last_delivered.map_or_else(|| "-".to_owned(), ago),
        ]);
    }
    let mut lines = vec![table.trim_fmt()];
    for message in &outbox.messages {
        lines.push(String::new());
        lines.push(format!(
            "{}  to {}, of {}",
            message.id,
            message.webhook,
            ago(message.created)
        ));
        lines.push(format!(
            "  {}: {} -> {}",
            message.route, message.from, message.to
        ));
        let why = message.error.as_deref().unwrap_or("not tried yet");
        lines.push(match message.ended {
            Some(ended) => format!("  given up {}: {why}", ago(ended)),
            None => format!("  tried {} times: {why}", message.tries),
        });
    }
    let given_up: u64 = outbox.webhooks.values().map(|sent| sent.dead).sum();
    if given_up > 0 && !dead {
        lines.push(String::new());
        lines.push(format!(
            "given up: {given_up}, see `banyan notifications --dead`"
        ));
    }
    lines.join("\n")
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}
