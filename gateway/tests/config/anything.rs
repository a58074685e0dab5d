//! No text brings the reader down, and none that is broken is taken.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{check, repository};

fn shop() -> String {
    std::fs::read_to_string(repository().join("routes.toml")).unwrap()
}

/// Reads a text and shows what was found in every way; both must end.
fn survive(text: &str) {
    let report = match check(text) {
        Ok(loaded) => loaded.warnings,
        Err(report) => {
            assert!(!report.is_empty(), "refused without a word:\n{text}");
            report
        }
    };
    let shown = report.render(true).len() + report.render(false).len();
    let told = report.to_json().as_array().unwrap().len();
    assert_eq!(told == 0, shown == 0);
    assert!(!report.summary().contains('\n'));
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_survived() {
    let shop = shop();
    for (end, _) in shop.char_indices() {
        let text = &shop[..end];
        match check(text) {
            Ok(loaded) => assert!(loaded.config.routes.len() < 100),
            Err(report) => assert!(!report.is_empty()),
        }
        if end % 97 == 0 {
            survive(text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_file_with_bytes_flipped_is_survived(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let mut bytes = shop().into_bytes();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survive(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_file_with_lines_moved_is_survived(
        moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6)
    ) {
        let shop = shop();
        let mut lines: Vec<&str> = shop.lines().collect();
        for (from, to) in moves {
            let line = lines.remove(from.index(lines.len()));
            lines.insert(to.index(lines.len() + 1), line);
        }
        survive(&lines.join("\n"));
    }

    #[test]
    fn values_of_any_type_are_survived(
        at in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![
            "1", "-1", "9223372036854775807", "1.5", "nan", "inf", "true", "1979-05-27", "[]", "{}", "[[]]", "\"\"",
            "\"\u{0}\"", "\"${\"", "\"${X}\"", "\"é\\u0001\"", "0x7fffffffffffffff", "[1, \"a\"]", "{ a = 1 }",
            "\"9999999999999999999999h\"", "\"99999999999999999999EiB\"", "\"/\"", "\"none\"",
        ])
    ) {
        let shop = shop();
        let live: Vec<&str> = shop.lines().filter(|line| is_a_pair(line)).collect();
        let line = live[at.index(live.len())];
        let (key, _) = line.split_once('=').unwrap();
        survive(&shop.replacen(line, &format!("{key}= {value}"), 1));
    }
}

fn is_a_pair(line: &str) -> bool {
    line.contains('=') && !line.starts_with(['#', '[', ' '])
}

/// Where the vectors of public test suites are, if they are on this machine.
fn vectors() -> Option<PathBuf> {
    let beside = || repository().join("../shared/vectors");
    let folder = std::env::var_os("BANYAN_VECTORS").map_or_else(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

#[test]
fn every_invalid_document_of_the_toml_suite_is_refused_with_a_line() {
    let Some(folder) = vectors() else {
        eprintln!("skipped: no vectors here (BANYAN_VECTORS names their folder)");
        return;
    };
    let mut seen = 0;
    for entry in std::fs::read_dir(folder.join("toml-invalid")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            seen += 1;
            is_refused_with_a_line(&path);
        }
    }
    assert!(seen > 300, "only {seen} documents");
}

fn is_refused_with_a_line(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let shown = path.display();
    let Ok(text) = String::from_utf8(bytes) else {
        let error = gateway::config::source::Source::read(path).unwrap_err();
        assert!(error.to_string().contains(".toml:"), "{shown}: {error}");
        return;
    };
    let Err(report) = check(&text) else {
        panic!("{shown} is accepted:\n{text}");
    };
    let first = &report.diagnostics[0];
    assert!(
        report.position(first).line > 0 && !report.render(false).is_empty(),
        "{shown}"
    );
}
