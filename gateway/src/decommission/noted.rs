//! One core's notes of whom legacy answered, handed over once a second. A note costs one look into a small map; nothing
//! is shared until it is handed over.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use ahash::AHashMap;
use http::{HeaderValue, StatusCode};

use crate::metrics::stats::RouteStats;

/// So many different users within a second are told apart on each core; the rest is counted as one.
const TOLD_APART: usize = 1_024;

/// So many notes wait to be added up; whoever adds them up comes every second.
const WAITING: usize = 16 * TOLD_APART;

/// What came of a request that legacy was to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// 1xx to 3xx.
    Ok,
    /// 401, 403, 404: mostly somebody who only tries.
    Probe,
    /// Another 4xx.
    ClientError,
    /// 5xx.
    ServerError,
    /// The client left.
    Gone,
}

/// Who it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct User {
    /// The address, of IPv6 the network of one site; none for all that were not told apart.
    pub client: Option<IpAddr>,
    /// What it says it is.
    pub agent: Option<HeaderValue>,
    /// What came of it.
    pub outcome: Outcome,
}

/// Requests of one user to one route.
#[derive(Clone, Debug)]
pub struct Note {
    /// The route.
    pub route: Arc<RouteStats>,
    /// Who.
    pub user: User,
    /// How many.
    pub count: u64,
}

/// One core's notes.
#[derive(Debug, Default)]
pub struct Notes {
    open: RefCell<AHashMap<(usize, User), Note>>,
}

/// All cores' notes that wait to be added up.
#[derive(Debug, Default)]
pub struct Waiting(Mutex<Vec<Note>>);

impl Outcome {
    /// Of an answer's status; none is a client that left.
    pub fn of(status: Option<StatusCode>) -> Self {
        match status.map(|status| status.as_u16()) {
            None => Self::Gone,
            Some(401 | 403 | 404) => Self::Probe,
            Some(400..500) => Self::ClientError,
            Some(500..) => Self::ServerError,
            Some(_) => Self::Ok,
        }
    }

    /// One word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Probe => "probe",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::Gone => "gone",
        }
    }
}

impl std::hash::Hash for User {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.client.hash(state);
        self.outcome.hash(state);
        if let Some(agent) = &self.agent {
            agent.as_bytes().hash(state);
        }
    }
}

impl Notes {
    /// Legacy was to answer this.
    pub fn note(
        &self,
        route: &Arc<RouteStats>,
        client: IpAddr,
        agent: Option<HeaderValue>,
        outcome: Outcome,
    ) {
        let mut open = self.open.borrow_mut();
        let at = Arc::as_ptr(route).addr();
        let mut user = User {
            client: Some(site(client)),
            agent,
            outcome,
        };
        if open.len() >= TOLD_APART && !open.contains_key(&(at, user.clone())) {
            (user.client, user.agent) = (None, None);
        }
        let note = open.entry((at, user)).or_insert_with_key(|(_, user)| Note {
            route: Arc::clone(route),
            user: user.clone(),
            count: 0,
        });
        note.count += 1;
    }

    /// Hands over what was noted. Of what nobody takes only that is kept which tells that a route was used.
    pub fn hand_over(&self, to: &Waiting) {
        let mut open = self.open.borrow_mut();
        if open.is_empty() {
            return;
        }
        let mut waiting = to.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = WAITING.saturating_sub(waiting.len());
        let mut notes = open.drain().map(|(_, note)| note);
        waiting.extend(notes.by_ref().take(room));
        // Who it was may be lost, that legacy was used must not be.
        let mut others: Vec<Note> = Vec::new();
        for mut note in notes {
            let same = |known: &&mut Note| Arc::ptr_eq(&known.route, &note.route);
            if let Some(known) = others.iter_mut().find(same) {
                known.count += note.count;
            } else {
                (note.user.client, note.user.agent) = (None, None);
                others.push(note);
            }
        }
        let known = |note: &Note| {
            waiting
                .iter()
                .any(|one| Arc::ptr_eq(&one.route, &note.route))
        };
        others.retain(|note| !known(note));
        waiting.extend(others);
    }
}

impl Waiting {
    /// All that waits.
    pub fn take(&self) -> Vec<Note> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// IPv6 clients change their address within their network all day.
fn site(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_told_apart_by_site_agent_and_outcome_and_never_without_bound() {
        let route = Arc::new(RouteStats::new("orders", 1));
        let (notes, waiting) = (Notes::default(), Waiting::default());
        let agent = || Some(HeaderValue::from_static("curl"));
        for host in ["2001:db8::1", "2001:db8::2", "::ffff:10.0.0.1", "10.0.0.1"] {
            notes.note(&route, host.parse().unwrap(), agent(), Outcome::Ok);
        }
        notes.note(
            &route,
            "10.0.0.1".parse().unwrap(),
            agent(),
            Outcome::of(Some(StatusCode::NOT_FOUND)),
        );
        notes.hand_over(&waiting);
        let mut taken = waiting.take();
        taken.sort_by(|a, b| a.user.cmp(&b.user));
        let told: Vec<_> = taken
            .iter()
            .map(|note| {
                (
                    note.user.client.unwrap().to_string(),
                    note.user.outcome.as_str(),
                    note.count,
                )
            })
            .collect();
        let expected = [
            ("10.0.0.1", "ok", 2),
            ("10.0.0.1", "probe", 1),
            ("2001:db8::", "ok", 2),
        ];
        let expected = expected.map(|(client, outcome, count)| (client.to_owned(), outcome, count));
        assert_eq!(told, expected);

        for host in 0..5_000_u32 {
            notes.note(&route, IpAddr::V4(host.into()), agent(), Outcome::Ok);
        }
        notes.hand_over(&waiting);
        let taken = waiting.take();
        assert_eq!(taken.len(), TOLD_APART + 1);
        assert_eq!(taken.iter().map(|note| note.count).sum::<u64>(), 5_000);
    }
}
