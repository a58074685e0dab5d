//! The book's page on BFFs names every code and every setting there is, and none that there is not.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

use std::collections::BTreeSet;
use std::path::Path;

use composition::{CODES, Settings};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/bff.md");
    std::fs::read_to_string(path).unwrap()
}

/// What stands in backticks in the first column of the table below a heading.
fn first_column(page: &str, heading: &str) -> BTreeSet<String> {
    let (_, section) = page.split_once(&format!("\n{heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.split('|').nth(1).unwrap());
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

#[test]
fn every_code_of_a_problem_is_in_the_book() {
    let known: BTreeSet<String> = CODES.iter().map(|(code, ..)| (*code).to_owned()).collect();
    assert_eq!(first_column(&page(), "## Problems"), known);
}

#[test]
fn every_setting_is_in_the_book() {
    let help = Settings::read("bff", "for a test", ["--help"]).unwrap_err();
    let help = help.to_string();
    let words = help.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let known: BTreeSet<String> = words
        .filter(|word| word.starts_with("BFF_"))
        .map(str::to_owned)
        .collect();
    assert!(known.len() > 10, "{help}");
    assert_eq!(first_column(&page(), "## Settings"), known);
}
