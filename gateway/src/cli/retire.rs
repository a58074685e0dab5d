//! `banyan retire ROUTE`: nothing leads to legacy any more. The file keeps naming it, so that the way back is one edit.

use strangler::Phase;

use super::cutover::{How, Wanted, carry_out};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The route's name.
    route: String,
    #[command(flatten)]
    how: How,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let wanted = Wanted {
        route: &args.route,
        to: Phase::Retired,
        percent: None,
    };
    carry_out(&wanted, &args.how)
}
