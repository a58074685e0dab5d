use super::*;

fn share(percent: f64) -> Percent {
    Percent::try_from(percent).unwrap()
}

/// Moves `a` from shadow to canary 5 % and back, and gives the text in between.
fn there_and_back(text: &str) -> String {
    let there = cutover(text, "a", Phase::Canary, Some(share(5.0))).unwrap();
    assert_eq!(cutover(&there, "a", Phase::Shadow, None).unwrap(), text);
    there
}

#[test]
fn only_the_value_changes_in_a_table() {
    let text = "# top\n[route.a]  # first\n  legacy = 'm'\nservice='s'\n\tphase  =  \"shadow\"\t# not yet\n[x]\ny=1";
    let there = cutover(text, "a", Phase::Migrated, None).unwrap();
    assert_eq!(there, text.replace("\"shadow\"", "\"migrated\""));
    assert_eq!(cutover(&there, "a", Phase::Shadow, None).unwrap(), text);
    assert_eq!(
        retire(&there, "a").unwrap(),
        text.replace("shadow", "retired")
    );
}

#[test]
fn a_missing_share_is_added_behind_the_phase_and_taken_out_again() {
    let text = "[route.a]\nlegacy = 'm'\nservice = 's'\n  phase = 'shadow' # why\n\n# end\n";
    assert_eq!(
        there_and_back(text),
        "[route.a]\nlegacy = 'm'\nservice = 's'\n  phase = 'canary' # why\n  canary.percent = 5  # by banyan cutover\n\n# end\n"
    );
    let windows = text.replace('\n', "\r\n");
    assert!(
        there_and_back(&windows)
            .contains("# why\r\n  canary.percent = 5  # by banyan cutover\r\n\r\n")
    );
    let no_newline = "[route.a]\nlegacy = 'm'\nservice = 's'\nphase = 'shadow'";
    assert!(
        there_and_back(no_newline).ends_with("'canary'\ncanary.percent = 5  # by banyan cutover")
    );
}

#[test]
fn a_missing_share_goes_where_the_canary_is() {
    let sides = "legacy = 'm'\nservice = 's'\nphase = \"shadow\"\n";
    let there = there_and_back(&format!(
        "[route.a]\n{sides}\n  [route.a.canary] # who\n  # reads\n  methods = ['GET']\n"
    ));
    assert!(
        there.contains("[route.a.canary] # who\n  percent = 5  # by banyan cutover\n  # reads\n")
    );
    let there = there_and_back(&format!("[route.a]\n{sides}[route.a.canary]"));
    assert!(there.ends_with("[route.a.canary]\npercent = 5  # by banyan cutover"));
    let there = there_and_back(&format!(
        "[route.a]\n{sides}[route.a.canary.allow]\ngroups = ['t']\n"
    ));
    assert!(there.contains("\"canary\"\ncanary.percent = 5  # by"));
    there_and_back(&format!(
        "[route.a.canary.allow]\ngroups = ['t']\n[route.a]\n{sides}"
    ));
    let there = there_and_back(&format!("[route.a]\n{sides}canary.methods = ['GET']\n"));
    assert!(there.contains("\"canary\"\ncanary.percent = 5  # by"));
    let there = there_and_back(&format!(
        "[route.a]\n{sides}canary = {{ methods = ['GET'] }} # m\n"
    ));
    assert!(
        there.ends_with("canary = { methods = ['GET'], percent = 5 } # m  # by banyan cutover\n")
    );
    let there = there_and_back(&format!("[route.a]\n{sides}canary = {{}}\n"));
    assert!(there.ends_with("canary = {percent = 5}  # by banyan cutover\n"));
}

#[test]
fn dotted_and_inline_routes_are_edited_as_they_are_written() {
    let there = there_and_back(
        "[route]\na.legacy = 'm'\na . service = 's'\n a . phase = 'shadow'\nb.upstream = 'm'\n",
    );
    assert!(
        there.contains(" a . phase = 'canary'\n a . canary.percent = 5  # by banyan cutover\nb.")
    );
    let there = there_and_back(
        "route.\"a\".legacy = 'm'\nroute.\"a\".service = 's'\nroute.\"a\".phase = 'shadow'\n[x]\n",
    );
    assert!(there.contains("\nroute.\"a\".canary.percent = 5  # by banyan cutover\n[x]"));
    let there = there_and_back(
        "[route]\na = { legacy = 'm', phase = 'shadow', service = 's' }\nb = { upstream = 'm' }\n",
    );
    assert!(there.contains(
        "phase = 'canary', canary.percent = 5, service = 's' }  # by banyan cutover\nb = "
    ));
    there_and_back(
        "route = { a = { legacy = 'm', phase = 'shadow', service = 's', canary.methods = ['GET'] } } # x",
    );
    // A table in braces over several lines, as TOML 1.1 has it.
    there_and_back(
        "[route]\na = {\n legacy = 'm', # old\n service = 's',\n phase = 'shadow', # not yet\n}\n",
    );
}

#[test]
fn names_in_quotes_are_found() {
    let text = "[route.\"x y\"]\nlegacy = 'm'\nservice = 's'\nphase = 'legacy'\n";
    let there = cutover(text, "x y", Phase::Shadow, None).unwrap();
    assert_eq!(there, text.replace("'legacy'", "'shadow'"));
}

#[test]
fn a_share_that_a_person_wrote_changes_only_when_asked_and_stays() {
    let text = "[route.a]\nlegacy = 'm'\nservice = 's'\nphase = 'canary'\ncanary.percent = 25.0 # by hand\n";
    assert_eq!(cutover(text, "a", Phase::Canary, None).unwrap(), text);
    assert_eq!(
        cutover(text, "a", Phase::Canary, Some(share(25.0))).unwrap(),
        text
    );
    assert_eq!(
        cutover(text, "a", Phase::Canary, Some(share(12.5))).unwrap(),
        text.replace("25.0", "12.5")
    );
    let back = cutover(text, "a", Phase::Legacy, None).unwrap();
    assert_eq!(back, text.replace("'canary'", "'legacy'"));
    // Our line with a word of somebody's in it is theirs.
    let theirs = there_and_back("[route.a]\nlegacy='m'\nservice='s'\nphase='shadow'\n")
        .replace("# by banyan cutover", "# by banyan cutover, keep");
    let back = cutover(&theirs, "a", Phase::Shadow, None).unwrap();
    assert!(back.contains("canary.percent = 5  # by banyan cutover, keep\n"));
    // Migrated goes on to have it, so that the way back to the canary is known.
    let ours = theirs.replace(", keep", "");
    let migrated = cutover(&ours, "a", Phase::Migrated, None).unwrap();
    assert_eq!(cutover(&migrated, "a", Phase::Canary, None).unwrap(), ours);
}

const OTHERS: &str = "[route.orders]\nlegacy = 'm'\nservice = 's'\nphase = \"shadow\"\n\
        [route.web]\nupstream = 'm'\n\
        [route.half]\nlegacy = 'm'\nphase = 'legacy'\n\
        [route.flagged]\nlegacy = 'm'\nservice = 's'\nphase = 'legacy'\nflag = 'new'\n\
        [route.led]\nlegacy = 'm'\nservice = 's'\nphase = 'legacy'\ncanary.steps = [1, 5]\n\
        [route.far]\nlegacy = 'm'\nservice = 's'\nphase = '${PHASE:-legacy}'\n\
        [route.blank]\nlegacy = 'm'\nservice = 's'\n";

#[test]
fn what_cannot_be_is_refused() {
    let text = OTHERS;
    let refused = |route, phase, percent| cutover(text, route, phase, percent).unwrap_err();
    assert_eq!(
        refused("ordres", Phase::Canary, None).to_string(),
        "there is no route \"ordres\"; did you mean \"orders\"?"
    );
    assert!(matches!(
        refused("web", Phase::Shadow, None),
        EditError::NoSides { .. }
    ));
    assert!(matches!(
        refused("half", Phase::Canary, Some(share(5.0))),
        EditError::SideMissing {
            side: "service",
            ..
        }
    ));
    assert!(matches!(
        retire(text, "half"),
        Err(EditError::SideMissing { .. })
    ));
    assert!(matches!(
        refused("orders", Phase::Canary, None),
        EditError::PercentNeeded { .. }
    ));
    assert!(matches!(
        refused("orders", Phase::Migrated, Some(share(5.0))),
        EditError::PercentWithoutCanary { .. }
    ));
    assert!(matches!(
        refused("flagged", Phase::Canary, Some(share(5.0))),
        EditError::FlagDecides { .. }
    ));
    assert!(cutover(text, "flagged", Phase::Canary, None).is_ok());
    assert!(matches!(
        refused("led", Phase::Canary, Some(share(5.0))),
        EditError::StepsDecide { .. }
    ));
    assert!(cutover(text, "led", Phase::Canary, None).is_ok());
    assert!(matches!(
        refused("far", Phase::Canary, Some(share(5.0))),
        EditError::PhaseFromEnvironment { .. }
    ));
    assert!(matches!(
        refused("blank", Phase::Shadow, None),
        EditError::NoPhase { .. }
    ));
    assert!(matches!(
        cutover("[route", "a", Phase::Shadow, None),
        Err(EditError::Syntax(_))
    ));
    assert!(matches!(
        cutover("", "a", Phase::Shadow, None),
        Err(EditError::UnknownRoute { .. })
    ));
}

#[test]
fn a_layout_without_a_place_for_the_share_is_refused_and_not_broken() {
    // The line's end is within a text.
    let text = "[route]\na = { legacy = 'm', service = 's', phase = 'shadow', note = '''\n''' }\n";
    assert!(matches!(
        cutover(text, "a", Phase::Canary, Some(share(5.0))),
        Err(EditError::NoPlace { .. })
    ));
    assert!(cutover(text, "a", Phase::Migrated, None).is_ok());
}

#[test]
fn a_byte_order_mark_moves_nothing() {
    let text = "\u{feff}[route.a]\nlegacy = 'm'\nservice = 's'\nphase = 'shadow'\n";
    assert!(there_and_back(text).starts_with('\u{feff}'));
    there_and_back(
        "\u{feff}route.a.phase = 'shadow'\nroute.a.legacy = 'm'\nroute.a.service = 's'\n",
    );
}
