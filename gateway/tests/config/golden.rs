//! Each file gives exactly its report.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use gateway::config::load;
use gateway::config::source::Source;

use super::environment;

fn files(extension: &str) -> BTreeSet<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some(OsStr::new(extension)))
        .collect()
}

/// The report of a file, its name without the folder, so that it reads the same on every machine.
fn report(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let source = Source {
        path: PathBuf::from(path.file_name().unwrap()),
        text,
    };
    match load(&source, &environment) {
        Ok(loaded) => format!("accepted\n\n{}", loaded.warnings.render(false)),
        Err(report) => format!("{report}\n\n{}", report.render(false)),
    }
}

#[test]
fn every_mistake_is_reported_at_its_place_in_these_words() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut different = Vec::new();
    for path in files("toml") {
        let expected_at = path.with_extension("txt");
        let given = report(&path);
        if bless {
            std::fs::write(&expected_at, &given).unwrap();
        }
        let expected = std::fs::read_to_string(&expected_at).unwrap_or_default();
        if given != expected {
            different.push(format!("--- {}\n{given}", path.display()));
        }
    }
    assert!(
        different.is_empty(),
        "these reports are new (BLESS=1 accepts them):\n{}",
        different.join("\n")
    );
}

#[test]
fn every_report_has_its_file() {
    let with_file: BTreeSet<PathBuf> = files("toml")
        .iter()
        .map(|path| path.with_extension("txt"))
        .collect();
    assert_eq!(files("txt"), with_file);
    assert!(with_file.len() > 10);
}
