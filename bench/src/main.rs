//! Runs servers side by side in interleaved rounds and prints the CPU that one request costs, from the kernel.
//!
//! Modules stand lowest first.

mod child;
mod http;
mod histogram;
mod target;
mod wrk;
mod steady;
mod report;
mod rounds;
mod plain;
mod bff;
mod soak;
mod decide;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(about = "CPU per request, side by side")]
enum Command {
    /// The gateway and nginx: kept HTTP/1.1, answers of 1 KB, a hundred routes, a limit, access log and metrics on.
    Plain(plain::Options),
    /// A BFF and the same on Node, usual and tuned: one screen from three backends, of which one takes 5 ms.
    Bff(bff::Options),
    /// Requests at a fixed rate for a while, and whether the server's memory stays as it is.
    Soak(soak::Options),
    /// The choice of a side, in nanoseconds.
    Decide,
    /// The backends that `bff` starts for itself.
    #[command(hide = true)]
    Origin(bff::origin::Options),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Plain(options) => plain::run(&options),
        Command::Bff(options) => bff::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Decide => decide::run(),
        Command::Origin(options) => bff::origin::run(&options),
    }
}
