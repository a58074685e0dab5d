//! The command line. Exit codes: 0 done, 1 the file or the machine said no, 2 the command was not understood.

mod print;
mod load;
mod check;
mod routes;
mod explain;
pub mod init;
pub mod token;
mod remote;
mod verbs;
mod status;
mod diffs;
mod upstreams;
mod history;
mod notifications;
mod cutover;
mod retire;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// An edge gateway that moves a monolith's routes to new services, one after another.
#[derive(Debug, Parser)]
#[command(name = "banyan", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway; it takes over the file whenever it is saved.
    Serve(serve::Args),
    /// Validate a file: all mistakes at once, exit code 1.
    Check(check::Args),
    /// Print the table of routes in the order in which they are asked.
    Routes(routes::Args),
    /// Say what would happen to a request, and why.
    Explain(explain::Args),
    /// Write a first routes.toml for a monolith.
    Init(init::Args),
    /// Show how far the migration has got: phases, shares, errors, latencies, mismatches.
    Status(status::Args),
    /// Show which endpoints are out and which breakers are open: why, since when, until when.
    Upstreams(upstreams::Args),
    /// Show what both sides of a route answer differently, with samples.
    Diffs(diffs::Args),
    /// Tell what happened to a route, or to all: when, what, who and why; the newest last.
    History(history::Args),
    /// Show what became of the messages to webhooks, and try dead ones again.
    Notifications(notifications::Args),
    /// Send all callers of a route, or of all routes, to legacy at once.
    Kill(verbs::AllArgs),
    /// Take a canary's callers back to legacy; it stays declared.
    Rollback(verbs::Args),
    /// Let nothing move a route forward.
    Hold(verbs::Args),
    /// Take a kill, a rollback or a hold back.
    Resume(verbs::ResumeArgs),
    /// Let a canary go on to its next step now, whatever the judge thinks of the one in force.
    Advance(verbs::Args),
    /// Sign a token for trying things, with a development key or an issuer's secret.
    Token(token::Args),
    /// Move a route to another phase, in the file.
    Cutover(cutover::Args),
    /// Take a route's legacy side out of use, in the file.
    Retire(retire::Args),
}

/// Which file a command reads.
#[derive(Debug, clap::Args)]
struct FileArg {
    /// The routes file.
    #[arg(long, short, value_name = "FILE", default_value = "routes.toml")]
    config: PathBuf,
}

/// How a command says what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For eyes.
    Text,
    /// For programs.
    Json,
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Routes(args) => routes::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Upstreams(args) => upstreams::run(&args),
        Command::Diffs(args) => diffs::run(&args),
        Command::History(args) => history::run(&args),
        Command::Notifications(args) => notifications::run(&args),
        Command::Kill(args) => verbs::kill(&args),
        Command::Rollback(args) => verbs::rollback(&args),
        Command::Hold(args) => verbs::hold(&args),
        Command::Resume(args) => verbs::resume(&args),
        Command::Advance(args) => verbs::advance(&args),
        Command::Token(args) => token::run(&args),
        Command::Cutover(args) => cutover::run(&args),
        Command::Retire(args) => retire::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::error(&error);
            ExitCode::FAILURE
        }
    }
}
