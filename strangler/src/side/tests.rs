use super::*;

const IN_AT_5: &str = "alice"; // bucket 318 under the salt below
const OUT_AT_5: &str = "bob"; // bucket 7826

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(ToString::to_string).collect()
}

fn canary() -> Migration {
    Migration {
        phase: Phase::Canary,
        forced_legacy: false,
        killed: false,
        rolled_back: false,
        split: Split {
            enabled: true,
            percent: Percent::try_from(5.0).unwrap(),
            methods: names(&["GET", "HEAD"]),
            allow: People::default(),
            deny: People::default(),
        },
        bucketer: Bucketer::new("orders-v2", 1),
    }
}

fn get(user: &str) -> Caller<'_> {
    Caller {
        user: Some(user),
        key: Some(user),
        method: "GET",
        ..Caller::default()
    }
}

fn decided(migration: &Migration, caller: &Caller<'_>) -> (Side, Reason) {
    let decision = migration.decide(caller);
    (decision.side, decision.reason)
}

#[test]
fn the_bucket_decides_when_nothing_else_does() {
    assert_eq!(
        decided(&canary(), &get(IN_AT_5)),
        (Side::Service, Reason::Bucket)
    );
    assert_eq!(
        decided(&canary(), &get(OUT_AT_5)),
        (Side::Legacy, Reason::Bucket)
    );
    assert_eq!(canary().decide(&get(IN_AT_5)).bucket.unwrap().number(), 318);
}

#[test]
fn phases_other_than_canary_leave_no_choice() {
    for (phase, side) in [
        (Phase::Legacy, Side::Legacy),
        (Phase::Shadow, Side::Legacy),
        (Phase::Migrated, Side::Service),
        (Phase::Retired, Side::Service),
    ] {
        let mut migration = Migration { phase, ..canary() };
        migration.split.deny.users = names(&["alice"]);
        assert_eq!(decided(&migration, &get("alice")), (side, Reason::Phase));
        assert_eq!(migration.decide(&get("alice")).bucket, None);
    }
}

#[test]
fn force_wins_over_every_other_rule() {
    for phase in Phase::ALL {
        let mut migration = Migration {
            phase,
            forced_legacy: true,
            ..canary()
        };
        migration.split.allow.users = names(&["alice"]);
        let caller = Caller {
            chosen: Some(Side::Service),
            ..get("alice")
        };
        assert_eq!(decided(&migration, &caller), (Side::Legacy, Reason::Forced));
    }
}

#[test]
fn deny_wins_over_override_and_allow() {
    let mut migration = canary();
    migration.split.allow.users = names(&["alice"]);
    migration.split.deny.groups = names(&["partners"]);
    let groups = ["partners".to_owned()];
    let caller = Caller {
        groups: &groups,
        chosen: Some(Side::Service),
        ..get("alice")
    };
    assert_eq!(decided(&migration, &caller), (Side::Legacy, Reason::Denied));
}

#[test]
fn an_override_moves_a_write_that_would_stay() {
    let caller = Caller {
        method: "POST",
        chosen: Some(Side::Service),
        ..get(OUT_AT_5)
    };
    assert_eq!(
        decided(&canary(), &caller),
        (Side::Service, Reason::Override)
    );
}

#[test]
fn writes_stay_on_legacy_even_for_those_on_the_allow_list() {
    let mut migration = canary();
    migration.split.allow.users = names(&["alice"]);
    let caller = Caller {
        method: "POST",
        ..get("alice")
    };
    assert_eq!(decided(&migration, &caller), (Side::Legacy, Reason::Method));
}

#[test]
fn the_allow_list_holds_at_zero_percent_and_without_a_key() {
    let mut migration = canary();
    migration.split.percent = Percent::NONE;
    migration.split.allow.groups = names(&["testers"]);
    let groups = ["testers".to_owned()];
    let caller = Caller {
        groups: &groups,
        key: None,
        ..get(OUT_AT_5)
    };
    assert_eq!(
        decided(&migration, &caller),
        (Side::Service, Reason::Allowed)
    );
    assert_eq!(
        decided(&migration, &get(IN_AT_5)),
        (Side::Legacy, Reason::Bucket)
    );
}

#[test]
fn a_flag_that_is_off_sends_everybody_to_legacy() {
    let mut migration = canary();
    migration.split.enabled = false;
    migration.split.percent = Percent::ALL;
    migration.split.allow.users = names(&["alice"]);
    assert_eq!(
        decided(&migration, &get("alice")),
        (Side::Legacy, Reason::FlagOff)
    );
}

#[test]
fn without_a_key_legacy_answers_even_at_a_hundred_percent() {
    let mut migration = canary();
    migration.split.percent = Percent::ALL;
    let caller = Caller {
        user: None,
        key: None,
        ..get("")
    };
    assert_eq!(decided(&migration, &caller), (Side::Legacy, Reason::NoKey));
}

#[test]
fn a_kill_wins_over_every_rule_but_the_files_own_word() {
    for phase in Phase::ALL {
        let mut migration = Migration {
            phase,
            killed: true,
            ..canary()
        };
        migration.split.allow.users = names(&["alice"]);
        let caller = Caller {
            chosen: Some(Side::Service),
            ..get("alice")
        };
        assert_eq!(decided(&migration, &caller), (Side::Legacy, Reason::Killed));
        migration.forced_legacy = true;
        assert_eq!(decided(&migration, &caller), (Side::Legacy, Reason::Forced));
    }
}

#[test]
fn a_canary_that_was_taken_back_moves_only_who_chooses_to() {
    let mut migration = Migration {
        rolled_back: true,
        ..canary()
    };
    migration.split.percent = Percent::ALL;
    migration.split.allow.users = names(&["alice"]);
    assert_eq!(
        decided(&migration, &get("alice")),
        (Side::Legacy, Reason::RolledBack)
    );
    let caller = Caller {
        chosen: Some(Side::Service),
        ..get("alice")
    };
    assert_eq!(
        decided(&migration, &caller),
        (Side::Service, Reason::Override)
    );
    migration.split.deny.users = names(&["alice"]);
    assert_eq!(decided(&migration, &caller), (Side::Legacy, Reason::Denied));
}
