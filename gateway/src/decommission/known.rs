//! What is known of a route's old side: who used it and when, for how long nobody has.

use std::collections::BTreeMap;
use std::time::Duration;

use super::noted::Note;
use crate::store::rows::Use;

/// So many users of one route are told apart; the least recent is let go for a new one.
const TOLD_APART: usize = 500;

/// Longer names of programs are cut.
const AGENT_MAX: usize = 160;

/// What stands in the place of a client that was not told apart.
const OTHERS: &str = "others";

type Who = (String, String, &'static str);

/// Users of the old sides, by route.
#[derive(Debug, Default)]
pub struct Users {
    routes: BTreeMap<String, BTreeMap<(String, String, String), Use>>,
}

impl Users {
    /// What was kept.
    pub fn restore(uses: Vec<Use>) -> Self {
        let mut users = Self::default();
        for one in uses {
            users.add(one);
        }
        users
    }

    /// Adds notes; gives what is new in them, each user once.
    pub fn note(&mut self, notes: Vec<Note>, at: Duration) -> Vec<Use> {
        let mut fresh: BTreeMap<(String, Who), u64> = BTreeMap::new();
        for note in notes {
            let client = note.user.client;
            let client = client.map_or_else(|| OTHERS.to_owned(), |client| client.to_string());
            let agent = note.user.agent.as_ref();
            let agent = agent.map_or_else(String::new, |agent| shortened(agent.as_bytes()));
            let who = (client, agent, note.user.outcome.as_str());
            *fresh.entry((note.route.name.clone(), who)).or_default() += note.count;
        }
        let fresh = fresh.into_iter();
        let fresh = fresh.map(|((route, (client, user_agent, status)), count)| Use {
            route,
            client,
            user_agent,
            status: status.to_owned(),
            count,
            first: at,
            last: at,
        });
        let fresh: Vec<Use> = fresh.collect();
        for one in &fresh {
            self.add(one.clone());
        }
        fresh
    }

    /// A route's users, the last one first.
    pub fn of(&self, route: &str) -> Vec<Use> {
        let users = self.routes.get(route);
        let mut users: Vec<Use> = users
            .into_iter()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect();
        users.sort_by_key(|one| std::cmp::Reverse(one.last));
        users
    }

    fn add(&mut self, one: Use) {
        let users = self.routes.entry(one.route.clone()).or_default();
        let key = (
            one.client.clone(),
            one.user_agent.clone(),
            one.status.clone(),
        );
        if let Some(known) = users.get_mut(&key) {
            known.count += one.count;
            known.first = known.first.min(one.first);
            known.last = known.last.max(one.last);
            return;
        }
        if users.len() >= TOLD_APART {
            let oldest = users.iter().min_by_key(|(_, user)| user.last);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                users.remove(&oldest);
            }
        }
        users.insert(key, one);
    }
}

fn shortened(agent: &[u8]) -> String {
    let text = String::from_utf8_lossy(agent);
    let printable = text.chars().filter(|c| !c.is_control());
    printable.take(AGENT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use http::HeaderValue;

    use crate::decommission::noted::{Outcome, User};
    use crate::metrics::stats::RouteStats;

    fn note(client: u32, agent: &str) -> Note {
        Note {
            route: Arc::new(RouteStats::new("orders", 1)),
            user: User {
                client: Some(std::net::IpAddr::V4(client.into())),
                agent: HeaderValue::try_from(agent).ok(),
                outcome: Outcome::Ok,
            },
            count: 1,
        }
    }

    #[test]
    fn notes_of_all_cores_add_up_and_the_least_recent_user_is_let_go() {
        let mut users = Users::default();
        let second = Duration::from_secs(1);
        let fresh = users.note(vec![note(1, "a"), note(1, "a"), note(1, "b")], second);
        let counts: Vec<u64> = fresh.iter().map(|one| one.count).collect();
        assert_eq!(counts, [2, 1]);
        users.note(vec![note(1, "a")], second * 2);
        let known = users.of("orders");
        assert_eq!(
            (known[0].count, known[0].first, known[0].last),
            (3, second, second * 2)
        );

        for client in 0..1_000 {
            users.note(
                vec![note(client, &"x".repeat(1_000))],
                second * (3 + client),
            );
        }
        let known = users.of("orders");
        assert_eq!(known.len(), TOLD_APART);
        assert_eq!(known[0].last, second * 1_002);
        assert!(known.iter().all(|one| one.user_agent.len() <= AGENT_MAX));
        assert_eq!(users.of("other"), []);
    }
}
