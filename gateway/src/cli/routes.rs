//! `banyan routes`.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::json;

use super::{FileArg, Output, load, print};
use crate::describe::{self, Row};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    file: FileArg,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let snapshot = load::snapshot(&args.file.config)?;
    let rows = describe::rows(&snapshot.config, snapshot.table.order());
    match args.output {
        Output::Json => print::line(&json!({ "routes": rows }).to_string()),
        Output::Text => print::line(&table(&rows)),
    }
    Ok(())
}

/// The table, as `serve` shows it too.
pub(super) fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "ROUTE",
        "TAKES",
        "AUTH",
        "PHASE",
        "SPLIT",
        "LEGACY | SERVICE",
    ]);
    for row in rows {
        table.add_row([
            &row.name,
            &row.takes,
            &row.auth,
            row.phase.unwrap_or("-"),
            &row.split,
            &row.to,
        ]);
    }
    table.trim_fmt()
}
