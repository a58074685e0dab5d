//! What the commands refuse, and in which words: `refusals.txt` has each order with what is said. `BLESS=1` writes it
//! anew.

use std::fmt::Write as _;
use std::path::Path;

use crate::banyan::{Folder, ROUTES};

const ORDERS: [&str; 17] = [
    "cutover ordrs --to canary --percent 5",
    "cutover something-else --to canary --percent 5",
    "cutover web --to shadow",
    "cutover half --to shadow",
    "retire half",
    "cutover orders --to canary",
    "cutover orders --to migrated --percent 5",
    "cutover payments --to canary --percent 5",
    "cutover led --to canary --percent 5",
    "cutover public --to canary --percent 5",
    "cutover public --to canary --percent 5 --output json",
    "cutover orders --to cannary",
    "cutover orders --to canary --percent 101",
    "cutover orders --to canary --percent some",
    "cutover orders --to shadow --config missing.toml",
    "cutover orders --to migrated --config invalid.toml",
    "cutover orders --to migrated --config pipe.toml",
];

#[test]
fn every_refusal_reads_so_and_leaves_the_file_alone() {
    let folder = Folder::new(ROUTES);
    let invalid = ROUTES.replacen("service = \"orders\"", "service = \"ordres\"", 1);
    std::fs::write(folder.path().join("invalid.toml"), invalid).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("pipe.toml")).unwrap();
    let mut given = String::new();
    for order in ORDERS {
        let said = folder.banyan(order);
        let code = said.code.unwrap();
        assert_ne!(code, 0, "{order}");
        write!(
            given,
            "$ banyan {order}\n{}{}[{code}]\n\n",
            said.out, said.err
        )
        .unwrap();
    }
    assert_eq!(folder.text(), ROUTES);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/edit/refusals.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &given).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        given == expected,
        "this is new (BLESS=1 accepts it):\n{given}"
    );
}
