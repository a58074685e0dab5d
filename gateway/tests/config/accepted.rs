//! What is accepted: the repository's files, the starter file, each commented key alone; and what they mean.

use std::path::PathBuf;

use gateway::cli::init::starter;

use super::{check, repository};

/// Every file that an operator may start from, by name.
fn examples() -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = vec![repository().join("routes.toml")];
    let folder = std::fs::read_dir(repository().join("docs/examples")).unwrap();
    let all = folder.map(|entry| entry.unwrap().path());
    paths.extend(all.filter(|path| path.extension().is_some_and(|end| end == "toml")));
    let mut texts: Vec<(String, String)> = paths
        .into_iter()
        .map(|path| {
            (
                path.display().to_string(),
                std::fs::read_to_string(path).unwrap(),
            )
        })
        .collect();
    for url in [
        "http://127.0.0.1:8000",
        "http://monolith.internal",
        "http://monolith.internal:80/base/",
        "http://[::1]:8000/",
        "http://127.0.0.1:8080",
        "http://127.0.0.1:8081",
        "http://127.0.0.1:9900",
    ] {
        texts.push((
            format!("banyan init --legacy {url}"),
            starter(&url.parse().unwrap()),
        ));
    }
    texts
}

/// A commented line without its `# `, when it is TOML and not a sentence.
fn uncommented(line: &str) -> Option<&str> {
    let bare = line.strip_prefix("# ")?;
    let key = bare.split([' ', '=']).next()?;
    let name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let pair = bare[key.len()..].trim_start().starts_with('=') && key.chars().all(name);
    (pair || is_header(bare)).then_some(bare)
}

fn is_header(bare: &str) -> bool {
    bare.starts_with('[')
}

/// The text with these of its lines uncommented.
fn with(lines: &[&str], open: &[usize]) -> String {
    let changed = lines.iter().enumerate().map(|(index, line)| {
        let opened = uncommented(line).filter(|_| open.contains(&index));
        opened.unwrap_or(line)
    });
    let changed: Vec<&str> = changed.collect();
    changed.join("\n")
}

/// Each way to uncomment something: a key alone, or a block that starts with a table's header; what is only an example
/// within a block stands beside the header alone.
fn variants(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut variants = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let run = lines[at..].iter().map_while(|line| uncommented(line));
        let length = match uncommented(lines[at]) {
            Some(bare) if is_header(bare) => run.count(),
            _ => 1,
        };
        let is_example = |index: &usize| *index > at && lines[*index].contains("e.g.");
        let (examples, block): (Vec<_>, Vec<_>) = (at..at + length).partition(is_example);
        let apart = examples.into_iter().map(|index| (index, vec![at, index]));
        for (shown, open) in std::iter::once((at, block)).chain(apart) {
            if let Some(shown) = uncommented(lines[shown]) {
                variants.push((shown.to_owned(), with(&lines, &open)));
            }
        }
        at += length;
    }
    variants
}

#[test]
fn every_example_is_valid_without_a_warning() {
    for (name, text) in examples() {
        match check(&text) {
            Ok(loaded) => assert!(
                loaded.warnings.is_empty(),
                "{name}:\n{}",
                loaded.warnings.render(false)
            ),
            Err(report) => panic!("{name}:\n{}", report.render(false)),
        }
    }
}

#[test]
fn each_commented_key_alone_is_valid() {
    let mut seen = 0;
    for (name, text) in examples() {
        for (first, text) in variants(&text) {
            seen += 1;
            if let Err(report) = check(&text) {
                panic!("{name}, with {first}:\n{}", report.render(false));
            }
        }
    }
    assert!(seen > 100, "only {seen} commented keys were found");
}

/// A commented key that shows a default must show the one that holds.
#[test]
fn a_commented_default_is_the_default() {
    let text = std::fs::read_to_string(repository().join("routes.toml")).unwrap();
    let plain = check(&text).unwrap().config;
    let examples = |line: &str| line.contains("e.g.") || line.starts_with("token");
    for (line, text) in variants(&text) {
        let config = check(&text).unwrap().config;
        assert!(config == plain || examples(&line), "{line} is no default");
    }
}

#[test]
fn another_environment_moves_every_port() {
    let text = std::fs::read_to_string(repository().join("routes.toml")).unwrap();
    let source = gateway::config::source::Source {
        path: PathBuf::from("routes.toml"),
        text,
    };
    let moved = |name: &str| match name {
        "BANYAN_BIND" => Some("127.0.0.1:18080".to_owned()),
        "BANYAN_INTERNAL_BIND" => Some("127.0.0.1:18081".to_owned()),
        "BANYAN_ADMIN_BIND" => Some("127.0.0.1:19900".to_owned()),
        _ if name.ends_with("_PORT") => Some("17000".to_owned()),
        _ => None,
    };
    let config = gateway::config::load(&source, &moved).unwrap().config;
    let internal = config.internal.unwrap().bind.port();
    assert_eq!(
        (config.edge.bind.port(), internal, config.admin.bind.port()),
        (18080, 18081, 19900)
    );
    let endpoints = config.upstreams.values().flat_map(|one| &one.endpoints);
    assert!(
        endpoints
            .map(|endpoint| endpoint.port)
            .all(|port| port == 17000)
    );
}
