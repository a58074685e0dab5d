//! `banyan init`: a first routes.toml for a monolith.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use url::Url;

use super::print;
use crate::config::load;
use crate::config::source::Source;

const STARTER: &str = include_str!("init/starter.toml");

/// What the starter file has in the place of the monolith's address.
const LEGACY: &str = "http://LEGACY";

/// The ports that the starter file gives to its listeners, and the ones they get when the monolith has those.
const PORTS: [(u16, u16); 3] = [(8080, 8082), (8081, 8082), (9900, 9901)];

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the monolith answers, such as <http://127.0.0.1:8000>.
    #[arg(long, value_name = "URL")]
    legacy: String,
    /// The file to write; one that is there is left alone.
    #[arg(long, short, value_name = "FILE", default_value = "routes.toml")]
    output: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let legacy = monolith(&args.legacy)?;
    let text = starter(&legacy);
    check(&args.output, &text)?;
    write(&args.output, &text)?;
    let shown = args.output.display();
    print::line(&format!("{shown} is written: everything goes to {legacy}"));
    print::line(&format!("next: banyan serve --config {shown}"));
    Ok(())
}

/// A commented routes.toml that sends everything to one monolith.
pub fn starter(legacy: &Url) -> String {
    let address = legacy.as_str().trim_end_matches('/');
    let mut text = STARTER.replace(LEGACY, address);
    for (port, other) in PORTS {
        if legacy.port_or_known_default() == Some(port) {
            let bind = |port| format!(":-127.0.0.1:{port}}}");
            text = text.replace(&bind(port), &bind(other));
        }
    }
    text
}

fn monolith(text: &str) -> anyhow::Result<Url> {
    let example = "write it whole, such as http://127.0.0.1:8000";
    if !text.contains("://") {
        bail!("--legacy {text}: does not say http://; did you mean http://{text}?");
    }
    let url = Url::parse(text).with_context(|| format!("--legacy {text}: {example}"))?;
    if url.scheme() != "http" {
        bail!(
            "--legacy: this release speaks http to its upstreams, not {}",
            url.scheme()
        );
    }
    Ok(url)
}

/// The file must be valid as it is; an address with a query, say, cannot be an endpoint.
fn check(path: &Path, text: &str) -> anyhow::Result<()> {
    let source = Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    match load(&source, &|_| None) {
        Ok(_) => Ok(()),
        Err(report) => bail!("--legacy: {}", report.render(false)),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let mut file = match File::create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{shown} is there already and stays as it is; name another file with --output")
        }
        other => other.with_context(|| format!("{shown} cannot be written"))?,
    };
    file.write_all(text.as_bytes())
        .with_context(|| format!("{shown} cannot be written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let args = Args {
            legacy: "http://127.0.0.1:8000".to_owned(),
            output: folder.path().join("routes.toml"),
        };
        run(&args).unwrap();
        let text = std::fs::read_to_string(&args.output).unwrap();
        assert!(text.contains("\"http://127.0.0.1:8000\""));
        std::fs::write(&args.output, "mine").unwrap();
        assert!(run(&args).is_err());
        assert_eq!(std::fs::read_to_string(&args.output).unwrap(), "mine");
    }

    #[test]
    fn what_is_no_monoliths_address_is_said() {
        let folder = tempfile::tempdir().unwrap();
        for (legacy, said) in [
            ("127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("https://shop.example", "not https"),
            ("http://", "write it whole"),
            ("http://x/?a=1", "query"),
            ("http://user:hunter2@x", "user or password"),
        ] {
            let output = folder.path().join("routes.toml");
            let legacy = legacy.to_owned();
            let error = run(&Args { legacy, output }).unwrap_err();
            let error = format!("{error:#}");
            assert!(
                error.contains(said) && !error.contains("hunter2"),
                "{error}"
            );
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
