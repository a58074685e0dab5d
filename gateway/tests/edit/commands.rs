//! What the commands write and say.

use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;

use crate::banyan::{Folder, ROUTES};

#[test]
fn a_cutover_and_the_way_back_leave_the_file_as_it_was() {
    let folder = Folder::new(ROUTES);
    let said = folder.banyan("cutover orders --to canary --percent 5 --why tried");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        said.out,
        "orders: shadow -> canary 5 %; routes.toml is written, a running gateway takes it over\n"
    );
    let expected = ROUTES.replace(
        "phase = \"shadow\"            # since spring\n",
        "phase = \"canary\"            # since spring\ncanary.percent = 5  # by banyan cutover\n",
    );
    assert_eq!(folder.text(), expected);
    let said = folder.banyan("cutover orders --to canary --percent 12.5%");
    assert!(
        said.out
            .starts_with("orders: canary 5 % -> canary 12.5 %; "),
        "{said:?}"
    );
    let said = folder.banyan("retire orders --force --why done");
    assert_eq!(said.code, Some(1), "nobody is there to keep it: {said:?}");
    assert!(said.err.contains("no gateway answers at"), "{said:?}");
    let said = folder.banyan("retire orders");
    assert!(
        said.err
            .contains("whether orders may enter retired is looked at when one starts"),
        "{said:?}"
    );
    assert!(
        said.out.starts_with("orders: canary 12.5 % -> retired; "),
        "{said:?}"
    );
    let said = folder.banyan("cutover orders --to shadow");
    assert!(
        said.out.starts_with("orders: retired -> shadow; "),
        "{said:?}"
    );
    assert_eq!(folder.text(), ROUTES);
}

#[test]
fn a_canary_with_steps_is_entered_without_a_share() {
    let folder = Folder::new(ROUTES);
    let said = folder.banyan("cutover led --to canary");
    assert_eq!(
        said.out,
        "led: shadow -> canary steps 1, 5, 100; routes.toml is written, a running gateway takes it over\n",
        "{said:?}"
    );
    let led = "phase = \"shadow\"\ncanary.steps";
    let expected = ROUTES.replace(led, &led.replace("shadow", "canary"));
    assert_eq!(folder.text(), expected);
    let again = folder.banyan("cutover led --to canary --output json");
    let again: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(again["percent"], serde_json::Value::Null);
    assert_eq!(again["steps"], serde_json::json!([1.0, 5.0, 100.0]));
    let routes = folder.banyan("routes");
    assert!(routes.out.contains(" steps 1, 5, 100 "), "{routes:?}");
    let explained = folder.banyan("explain GET /api/led");
    let led = "the judge leads it through steps 1, 5, 100\n";
    assert!(explained.out.contains(led), "{explained:?}");
}

#[test]
fn programs_are_told_in_json() {
    let folder = Folder::new(ROUTES);
    let json = |args: &str| -> serde_json::Value {
        let said = folder.banyan(&format!("{args} --output json"));
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
        serde_json::from_str(&said.out).unwrap()
    };
    let printed = json("cutover orders --to canary --percent 5 --print-patch");
    assert_eq!(printed["written"], false);
    assert_eq!(folder.text(), ROUTES);
    let written = json("cutover orders --to canary --percent 5");
    assert_eq!(written["patch"], printed["patch"]);
    assert_eq!(
        [
            &written["route"],
            &written["from"],
            &written["to"],
            &written["percent"],
            &written["written"]
        ],
        [
            &"orders".into(),
            &"shadow".into(),
            &"canary".into(),
            &5.0.into(),
            &true.into()
        ] as [&serde_json::Value; 5]
    );
    let nothing = json("cutover orders --to canary");
    assert_eq!(
        [&nothing["written"], &nothing["patch"]],
        [&false.into(), &serde_json::Value::Null]
    );
    let retired = json("retire payments");
    assert_eq!(
        [&retired["to"], &retired["percent"]],
        [&"retired".into(), &serde_json::Value::Null]
    );
}

#[test]
fn a_file_that_says_so_already_is_not_touched() {
    let folder = Folder::new(ROUTES);
    let before = std::fs::metadata(folder.file()).unwrap();
    for (args, out) in [
        (
            "cutover orders --to shadow",
            "orders: is shadow already; routes.toml stays as it is\n",
        ),
        (
            "cutover basket --to canary --percent 25",
            "basket: is canary 25 % already; routes.toml stays as it is\n",
        ),
        (
            "cutover half --to legacy",
            "half: is legacy already; routes.toml stays as it is\n",
        ),
    ] {
        let said = folder.banyan(args);
        assert_eq!((said.code, said.out.as_str()), (Some(0), out), "{said:?}");
    }
    let after = std::fs::metadata(folder.file()).unwrap();
    assert_eq!(
        (after.ino(), after.modified().unwrap()),
        (before.ino(), before.modified().unwrap())
    );
}

#[test]
fn a_flags_share_and_a_force_are_said() {
    let folder = Folder::new(ROUTES);
    let said = folder.banyan("cutover payments --to canary");
    assert!(
        said.out
            .starts_with("payments: legacy -> canary 25 % by flag new_payments; "),
        "{said:?}"
    );
    let said = folder.banyan("cutover basket --to migrated");
    assert!(
        said.err
            .contains("force = \"legacy\" stands above the phase"),
        "{said:?}"
    );
}

#[test]
fn a_command_that_is_killed_leaves_the_old_file_or_the_new_one() {
    let folder = Folder::new(ROUTES);
    let moved = ROUTES.replace("\"shadow\"", "\"migrated\"");
    let mut caught = 0;
    // On a disk that is fast it is seldom caught; what it leaves when it is, is tested where it writes.
    for _ in 0..100 {
        if caught == 10 {
            break;
        }
        std::fs::write(folder.file(), ROUTES).unwrap();
        let program = env!("CARGO_BIN_EXE_banyan");
        let mut command = folder.command(program, "cutover orders --to migrated");
        let mut running = command.stdout(Stdio::null()).spawn().unwrap();
        // Until it has begun to write.
        while running.try_wait().unwrap().is_none() {
            if std::fs::read_dir(folder.path()).unwrap().count() > 1 {
                caught += 1;
                break;
            }
        }
        running.kill().unwrap();
        running.wait().unwrap();
        let text = folder.text();
        assert!(text == ROUTES || text == moved, "{text}");
    }
}

#[test]
fn of_many_at_once_each_is_done_whole_or_refused() {
    let folder = Folder::new(ROUTES);
    let program = env!("CARGO_BIN_EXE_banyan");
    let moves = [
        ("orders", "shadow"),
        ("payments", "legacy"),
        ("public", "legacy"),
    ];
    let running = moves.map(|(route, _)| {
        let mut command = folder.command(program, &format!("cutover {route} --to migrated"));
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    let done = running.map(|running| running.wait_with_output().unwrap().status.success());
    let config: toml::Table = folder.text().parse().unwrap();
    for ((route, before), done) in moves.into_iter().zip(done) {
        let expected = if done { "migrated" } else { before };
        assert_eq!(
            config["route"][route]["phase"].as_str(),
            Some(expected),
            "{route}"
        );
    }
    assert!(done.contains(&true));
}
