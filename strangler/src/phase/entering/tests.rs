use super::*;
use Phase::{Canary, Legacy, Migrated, Retired, Shadow};

const DAY: Duration = Duration::from_hours(24);

const FORCED: bool = true;
const NOT_FORCED: bool = false;

fn closed(compared: u64, rate: f64, reason: &str) -> GateState {
    GateState::Closed {
        compared,
        needed: 2000,
        rate,
        reason: reason.to_owned(),
    }
}

fn refused() -> Verdict {
    Verdict::Refused {
        left: 12 * DAY + Duration::from_mins(184),
        required: 30 * DAY,
    }
}

#[test]
fn the_way_back_and_the_way_from_nowhere_are_open() {
    let closed = closed(0, 0.0, "");
    for (nth, from) in Phase::ALL.into_iter().enumerate() {
        for to in &Phase::ALL[..=nth] {
            assert_eq!(
                entering(Some(from), *to, Some(&closed), Some(refused()), NOT_FORCED),
                Ok(())
            );
        }
    }
    for to in Phase::ALL {
        assert_eq!(
            entering(None, to, Some(&closed), Some(refused()), NOT_FORCED),
            Ok(())
        );
    }
}

#[test]
fn users_come_onto_the_service_through_the_gate() {
    let few = closed(1204, 0.0, "1 204 of 2 000 pairs compared");
    let bad = closed(2000, 0.031, "mismatch rate 3.1 %, at most 0.1 %");
    for to in [Canary, Migrated] {
        let ask = |gate| entering(Some(Shadow), to, gate, None, NOT_FORCED);
        assert_eq!(ask(Some(&GateState::Open)), Ok(()));
        assert_eq!(ask(None), Ok(()));
        let refusal = ask(Some(&few)).unwrap_err();
        assert_eq!(refusal.to_string(), "1 204 of 2 000 pairs compared");
        assert_eq!(refusal.last_allowed(), Shadow);
        let refusal = ask(Some(&bad)).unwrap_err();
        assert_eq!(refusal.to_string(), "mismatch rate 3.1 %, at most 0.1 %");
        assert_eq!(refusal.last_allowed(), Shadow);
        assert_eq!(entering(Some(Shadow), to, Some(&bad), None, FORCED), Ok(()));
    }
    // Only from shadow: a route that never compared has no gate behind it.
    assert_eq!(
        entering(Some(Legacy), Canary, Some(&few), None, NOT_FORCED),
        Ok(())
    );
    assert_eq!(
        entering(Some(Canary), Migrated, Some(&few), None, NOT_FORCED),
        Ok(())
    );
}

#[test]
fn legacy_is_retired_by_its_clock_from_whatever_phase() {
    for from in [Some(Legacy), Some(Shadow), Some(Canary), Some(Migrated)] {
        let ask = |clock, forced| entering(from, Retired, None, clock, forced);
        assert_eq!(ask(Some(Verdict::Allowed), NOT_FORCED), Ok(()));
        assert_eq!(ask(Some(refused()), FORCED), Ok(()));
        let refusal = ask(Some(refused()), NOT_FORCED).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "legacy must go unused for 30 d 0 h 0 m: 12 d 3 h 4 m left"
        );
        assert_eq!(refusal.last_allowed(), Migrated);
        let refusal = ask(None, NOT_FORCED).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "it is not known whether legacy is still used"
        );
        assert_eq!(refusal.last_allowed(), Migrated);
    }
    let shut = closed(1, 0.0, "");
    let both = entering(
        Some(Shadow),
        Retired,
        Some(&shut),
        Some(refused()),
        NOT_FORCED,
    );
    assert_eq!(both.unwrap_err().last_allowed(), Shadow);
}
