//! What `--print-patch` prints is taken by the tools that everybody has.

use std::io::Write as _;
use std::process::Stdio;

use crate::banyan::{Folder, ROUTES};

/// Applies a patch to a fresh copy and gives the text that comes out.
fn applied(text: &str, patch: &str, program: &str, args: &str) -> String {
    let folder = Folder::new(text);
    let mut command = folder.command(program, args);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut running = command.spawn().unwrap();
    running
        .stdin
        .take()
        .unwrap()
        .write_all(patch.as_bytes())
        .unwrap();
    assert!(running.wait().unwrap().success(), "{program}:\n{patch}");
    folder.text()
}

#[test]
fn a_patch_does_what_the_command_would_have_done() {
    let windows = ROUTES.replace('\n', "\r\n");
    let last = "[route.orders]";
    let (before, rest) = ROUTES.split_once(last).unwrap();
    let (orders, after) = rest.split_once("\n[route").unwrap();
    // With the route at the end, and no line ending there.
    let no_newline = format!("{before}[route{after}\n{last}{}", orders.trim_end());
    for text in [ROUTES, &windows, &no_newline] {
        let folder = Folder::new(text);
        let order = "cutover orders --to canary --percent 5";
        let said = folder.banyan(&format!("{order} --print-patch"));
        assert_eq!(
            (said.code, folder.text().as_str()),
            (Some(0), text),
            "{said:?}"
        );
        assert_eq!(
            said.err,
            "orders: shadow -> canary 5 %; nothing is written\n"
        );
        assert!(
            said.out
                .starts_with("--- a/routes.toml\n+++ b/routes.toml\n@@ "),
            "{said:?}"
        );
        assert_eq!(folder.banyan(order).code, Some(0));
        for (program, args) in [
            ("patch", "-p1 --binary"),
            ("git", "apply --whitespace=nowarn -"),
        ] {
            assert_eq!(
                applied(text, &said.out, program, args),
                folder.text(),
                "{program}"
            );
        }
    }
    assert_eq!(
        Folder::new(ROUTES)
            .banyan("cutover orders --to shadow --print-patch")
            .code,
        Some(0)
    );
}
