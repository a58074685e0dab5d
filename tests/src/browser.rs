//! A real browser, steered by the scripts under `browser/`: each prints one JSON document of what it saw.

use std::process::Command;

use serde_json::Value;

use crate::process::Process;
use crate::python::prepare;
use crate::tree;

/// Runs a script with these arguments and hands back what it saw.
pub async fn run(script: &str, arguments: &[&str]) -> Value {
    prepare("browser-env.sh");
    let mut command = Command::new("node");
    command
        .arg(tree::root().join("tests/browser").join(script))
        .args(arguments);
    let ended = Process::start(script, &mut command).ended().await;
    assert_eq!(ended.code, Some(0), "{script}: {ended:?}");
    serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{script} printed no JSON ({error}): {ended:?}"))
}
