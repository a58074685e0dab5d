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
    let rows = describe::rows(&snapshot.config, snapshot.order());
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
    // Most files have one listener that routes are found on, and then it says nothing to name it.
    let elsewhere = rows.iter().any(|row| !row.listeners.is_empty());
    let listeners = |cell: String| elsewhere.then_some(cell);
    let header = [
        "ROUTE",
        "TAKES",
        "AUTH",
        "PHASE",
        "SPLIT",
        "LEGACY | SERVICE",
    ];
    let header = header.map(str::to_owned).into_iter();
    table.set_header(header.chain(listeners("LISTENERS".to_owned())));
    for row in rows {
        let on = if row.listeners.is_empty() {
            "edge".to_owned()
        } else {
            row.listeners.join(" ")
        };
        let cells = [
            row.name.clone(),
            row.takes.clone(),
            row.auth.clone(),
            phase(row),
            row.split.clone(),
            row.to.clone(),
        ];
        table.add_row(cells.into_iter().chain(listeners(on)));
    }
    table.trim_fmt()
}

/// The declared phase, and where a gateway runs what is in force instead.
fn phase(row: &Row) -> String {
    let declared = row.phase.unwrap_or("-");
    match &row.effective {
        Some(effective) if effective.phase != declared => {
            format!("{declared}, now {}", effective.phase)
        }
        _ => declared.to_owned(),
    }
}
