//! Files in every layout that TOML has: an edit changes the lines that it has to and no other byte, what comes out
//! loads, and the way back gives the file as it was.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use gateway::config::source::Source;
use gateway::config::{Config, load};
use gateway::edit::text::cutover;
use gateway::route::config::TargetConfig;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use strangler::{Percent, Phase};

const MARK: &str = "# by banyan cutover";

/// How a route is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Layout {
    /// `[route.x]`
    Table,
    /// `x.phase = …` below `[route]`
    Dotted,
    /// `x = { phase = …, … }` below `[route]`
    Inline,
}

/// What a route says of its canary.
#[derive(Clone, Copy, Debug)]
enum Canary {
    Nothing,
    DottedMethods,
    InlineMethods,
    EmptyBraces,
    SubTable,
    PercentByHand,
}

#[derive(Clone, Debug)]
struct Route {
    layout: Layout,
    canary: Canary,
    phase: &'static str,
    quote: &'static str,
    equals: &'static str,
    indent: &'static str,
    comment: &'static str,
    between: &'static str,
    /// How the keys are shuffled.
    order: Vec<Index>,
}

const NAMES: [(&str, &str); 3] = [
    ("orders", "orders"),
    ("web-2", "\"web-2\""),
    ("basket", "'basket'"),
];

fn route() -> impl Strategy<Value = Route> {
    use Canary::{DottedMethods, EmptyBraces, InlineMethods, Nothing, PercentByHand, SubTable};
    let canaries = vec![
        Nothing,
        DottedMethods,
        InlineMethods,
        EmptyBraces,
        SubTable,
        PercentByHand,
    ];
    (
        select(vec![Layout::Table, Layout::Dotted, Layout::Inline]),
        select(canaries),
        select(vec!["legacy", "shadow", "migrated"]),
        select(vec!["\"", "'", "\"\"\"", "'''"]),
        select(vec![" = ", "=", "  =\t"]),
        select(vec!["", "  ", "\t"]),
        select(vec![
            "",
            " # why",
            "\t# phase = \"canary\"",
            "  ",
            "  # canary.percent = 9  # by banyan cutover too",
        ]),
        select(vec![
            "",
            "\n",
            "# [route.orders]\n",
            "\n  # phase = 'legacy'\n\n",
        ]),
        prop::collection::vec(any::<Index>(), 8),
    )
        .prop_map(
            |(layout, canary, phase, quote, equals, indent, comment, between, order)| Route {
                layout,
                canary,
                phase,
                quote,
                equals,
                indent,
                comment,
                between,
                order,
            },
        )
}

impl Route {
    /// The keys and values, in their order.
    fn pairs(&self, number: usize) -> Vec<String> {
        let (equals, quote) = (self.equals, self.quote);
        let mut pairs: Vec<String> = [
            ("path", format!("\"/{number}\"")),
            ("auth", "'none'".to_owned()),
            ("sticky", "['visitor']".to_owned()),
            ("legacy", "'m'".to_owned()),
            ("service", "\"s\"".to_owned()),
            ("phase", format!("{quote}{}{quote}", self.phase)),
        ]
        .into_iter()
        .map(|(key, value)| format!("{key}{equals}{value}"))
        .collect();
        match self.canary {
            Canary::DottedMethods => pairs.push(format!("canary.methods{equals}[\"GET\"]")),
            Canary::InlineMethods => {
                pairs.push(format!("canary{equals}{{ methods{equals}['GET'] }}"));
            }
            Canary::EmptyBraces => pairs.push(format!("canary{equals}{{}}")),
            Canary::PercentByHand => pairs.push(format!("canary.percent{equals}7")),
            Canary::Nothing | Canary::SubTable => {}
        }
        let mut shuffled = Vec::new();
        for at in &self.order {
            if !pairs.is_empty() {
                shuffled.push(pairs.remove(at.index(pairs.len())));
            }
        }
        shuffled
    }

    fn write(&self, text: &mut String, number: usize) {
        let Self {
            indent,
            comment,
            between,
            ..
        } = self;
        let name = NAMES[number].1;
        let pairs = self.pairs(number);
        text.push_str(between);
        let lines: Vec<String> = match self.layout {
            Layout::Inline => vec![format!("{name}{}{{ {} }}", self.equals, pairs.join(", "))],
            Layout::Dotted => pairs.iter().map(|pair| format!("{name}.{pair}")).collect(),
            Layout::Table => {
                let header = format!("[route.{name}]");
                std::iter::once(header).chain(pairs).collect()
            }
        };
        for line in lines {
            write!(text, "{indent}{line}{comment}\n{between}").unwrap();
        }
        if let (Layout::Table, Canary::SubTable) = (self.layout, self.canary) {
            write!(
                text,
                "{indent}[route.{name}.canary]{comment}\n{indent}methods = ['GET']\n"
            )
            .unwrap();
        }
    }
}

/// The routes in tables stand behind the others, which share `[route]`.
fn file(routes: &[Route], newline: &str, ends_open: bool) -> String {
    let mut text = "# The shop.\nversion = 1\n[upstream]\nm.endpoints = ['http://127.0.0.1:1']\ns.endpoints = ['http://127.0.0.1:2']\n\n[route] # all\n".to_owned();
    for tables in [false, true] {
        for (number, route) in routes.iter().enumerate() {
            if (route.layout == Layout::Table) == tables {
                route.write(&mut text, number);
            }
        }
    }
    if ends_open {
        text.truncate(text.trim_end_matches('\n').len());
    }
    text.replace('\n', newline)
}

fn config(text: &str) -> Config {
    let source = Source {
        path: PathBuf::from("routes.toml"),
        text: text.to_owned(),
    };
    match load(&source, &|_| None) {
        Ok(loaded) => loaded.config,
        Err(report) => panic!("{}\n{text}", report.render(false)),
    }
}

/// Phase and share of each route.
fn phases(text: &str) -> BTreeMap<String, (Phase, Percent)> {
    let routes = config(text).routes.into_iter();
    let phases = routes.filter_map(|(name, route)| match route.target {
        TargetConfig::Migration(moving) => Some((name, (moving.phase, moving.split.percent))),
        TargetConfig::Upstream(_) | TargetConfig::Own(_) => None,
    });
    phases.collect()
}

/// The lines that are not the same, without those that were added with the mark.
fn changed_lines(before: &str, after: &str) -> usize {
    let mut before = before.split_inclusive('\n').peekable();
    let mut changed = 0;
    for line in after.split_inclusive('\n') {
        let same =
            |old: &&str| old.trim_end_matches(['\r', '\n']) == line.trim_end_matches(['\r', '\n']);
        if before.next_if(same).is_some() {
            continue;
        }
        // In braces the mark stands behind a line that was there before.
        let is_added = line.trim_end().ends_with(MARK) && !line.contains('{');
        if !is_added {
            before.next();
            changed += 1;
        }
    }
    assert_eq!(before.next(), None, "a line is lost");
    changed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn an_edit_changes_its_lines_alone_and_can_be_taken_back(
        routes in prop::collection::vec(route(), 1..=3),
        which in any::<Index>(),
        newline in select(vec!["\n", "\r\n"]),
        ends_open in any::<bool>(),
        to in select(Phase::ALL.to_vec()),
    ) {
        let text = file(&routes, newline, ends_open);
        let at = which.index(routes.len());
        let (name, route) = (NAMES[at].0, &routes[at]);
        let mut expected = phases(&text);
        let five = Percent::try_from(5.0).unwrap();
        let share = (to == Phase::Canary).then_some(five);

        let there = cutover(&text, name, to, share).unwrap();

        let (phase, percent) = expected.get_mut(name).unwrap();
        *phase = to;
        *percent = share.unwrap_or(*percent);
        prop_assert_eq!(phases(&there), expected, "\n{}", there);
        let most = 1 + usize::from(share.is_some());
        prop_assert!(changed_lines(&text, &there) <= most, "\n{}\n->\n{}", text, there);
        prop_assert_eq!(there.contains("\r\n"), newline == "\r\n");

        prop_assert_eq!(&cutover(&there, name, to, share).unwrap(), &there, "it says so already");
        let by_hand = matches!(route.canary, Canary::PercentByHand);
        let there = match share {
            Some(_) if by_hand => cutover(&there, name, to, Percent::try_from(7.0).ok()).unwrap(),
            _ => there,
        };
        // To where the mark goes away, and on to where it began.
        let back = cutover(&there, name, Phase::Legacy, None).unwrap();
        let back = cutover(&back, name, route.phase.parse().unwrap(), None).unwrap();
        prop_assert_eq!(back, text);
    }
}
