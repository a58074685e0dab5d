//! A gateway as far as a BFF sees it, with two sides behind it, and what was when.

use std::time::Duration;

use chassis::handover::{COHORT, Cohort, REJECTED, RouteState, SERVED_BY, STATE, State, Token};
use composition::Reason;
use http::HeaderValue;
use serde_json::json;
use tokio::time::Instant;

use crate::script::{Reply, ms};

/// How the orders' route stands. Alice is on the service while it is in canary, bob never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Legacy,
    Canary { epoch: u32 },
    RolledBack,
    Migrated,
}

/// How a side behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Well,
    Slow,
    Fails,
    /// Its answers cannot be read.
    Garbled,
    /// Its answers end after their heads.
    BreaksOff,
    HasNothing,
    Hangs,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Orders,
    /// Has no sides, and leads to legacy.
    Archive,
}

/// Whom it refuses before it has chosen a side, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) user: &'static str,
    pub(super) status: u16,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Gateway {
    pub(super) phase: Phase,
    /// Whether order 2 has a route of its own.
    pub(super) has_archive: bool,
    /// Changes with other routes.
    pub(super) elsewhere: u64,
    pub(super) legacy: Health,
    pub(super) service: Health,
    pub(super) refuses: Option<Refusal>,
    /// How it stood at the last request.
    seen: (Phase, bool),
    /// How often each route had moved since the request before: every answer says so, so that an old one is known.
    orders_moved: u64,
    archive_moved: u64,
}

impl Gateway {
    pub(super) fn new() -> Self {
        let phase = Phase::Canary { epoch: 1 };
        Self {
            phase,
            has_archive: true,
            elsewhere: 0,
            legacy: Health::Well,
            service: Health::Well,
            refuses: None,
            seen: (phase, true),
            orders_moved: 0,
            archive_moved: 0,
        }
    }

    /// A request has come in that says how it stood.
    pub(super) fn hears(&mut self, named: &Self) {
        let stands = (named.phase, named.has_archive);
        self.orders_moved += u64::from(self.seen != stands);
        self.archive_moved += u64::from(self.seen.1 != stands.1);
        self.seen = stands;
    }

    /// It stands otherwise than the last request has said.
    fn has_moved(&self) -> bool {
        self.seen != (self.phase, self.has_archive)
    }

    pub(super) fn moved(&self, route: Route) -> u64 {
        match route {
            Route::Orders => self.orders_moved,
            Route::Archive => self.archive_moved,
        }
    }

    pub(super) fn route(&self, order: u64) -> Route {
        if order == 2 && self.has_archive {
            Route::Archive
        } else {
            Route::Orders
        }
    }

    fn is_split(&self, route: Route) -> bool {
        let split = matches!(self.phase, Phase::Canary { .. } | Phase::RolledBack);
        route == Route::Orders && split
    }

    /// Those who wait for one call are of both users.
    pub(super) fn shares_failures(&self, order: u64) -> bool {
        self.side("alice", order) == self.side("bob", order)
    }

    fn token(&self, route: Route) -> Token {
        let stands = match (route, self.phase) {
            (Route::Archive, _) => 4,
            (Route::Orders, Phase::Legacy) => 1,
            (Route::Orders, Phase::RolledBack) => 2,
            (Route::Orders, Phase::Migrated) => 3,
            (Route::Orders, Phase::Canary { epoch }) => 100 + u64::from(epoch),
        };
        let fingerprint = stands + 1000 * u64::from(self.has_archive);
        Token::new(fingerprint << 1, self.is_split(route))
    }

    pub(super) fn state(&self) -> State {
        let fingerprint = self.token(Route::Orders).0 * 1000 + self.elsewhere;
        State::new(fingerprint << 1, self.is_split(Route::Orders))
    }

    pub(super) fn side(&self, user: &str, order: u64) -> &'static str {
        match (self.route(order), self.phase) {
            (Route::Orders, Phase::Canary { .. }) if user == "alice" => "service",
            (Route::Orders, Phase::Migrated) => "service",
            _ => "legacy",
        }
    }

    pub(super) fn health(&self, user: &str, order: u64) -> Health {
        match self.side(user, order) {
            "service" => self.service,
            _ => self.legacy,
        }
    }

    /// The answer says who made it, for which route and when.
    pub(super) fn answer(&self, user: &str, order: u64) -> Reply {
        let route = self.route(order);
        let routed = RouteState {
            state: self.state(),
            route: format!("{route:?}"),
            token: self.token(route),
        };
        if let Some(refusal) = self.refuses.filter(|refusal| refusal.user == user) {
            return Reply::text(refusal.status, "")
                .field(STATE, routed.to_value())
                .field(REJECTED, HeaderValue::from_static("rate_limited"));
        }
        let side = self.side(user, order);
        let reply = match self.health(user, order) {
            Health::Well => self.says(side, route).after(ms(20)),
            Health::Slow => self.says(side, route).after(ms(300)),
            Health::Hangs => self.says(side, route).after(ms(60_000)),
            Health::Fails => Reply::text(502, "").after(ms(20)),
            Health::Garbled => Reply::text(200, "{").after(ms(20)),
            Health::BreaksOff => Reply::broken_off(Reason::Connect).after(ms(20)),
            Health::HasNothing => Reply::text(404, "").after(ms(20)),
        };
        let reply = reply
            .field(STATE, routed.to_value())
            .field(SERVED_BY, HeaderValue::from_static(side));
        if !self.is_split(route) {
            return reply;
        }
        let epoch = match self.phase {
            Phase::Canary { epoch } => epoch,
            _ => 1,
        };
        let cohort = Cohort {
            route: routed.route,
            epoch,
            side: side.into(),
        };
        reply.field(COHORT, cohort.to_value())
    }

    fn says(&self, side: &str, route: Route) -> Reply {
        let side = 100 + u64::from(side == "service");
        let code = 200 + u64::from(route == Route::Archive);
        let items = [side, code, 1000 + self.moved(route)];
        Reply::json(&json!({"user": 7, "items": items}))
    }
}

/// A call that takes longer than anybody waits for it.
#[derive(Clone, Debug)]
struct Hung {
    at: Instant,
    user: String,
    /// It went another way than the last request said.
    went_astray: bool,
}

/// What was when.
#[derive(Clone, Debug)]
pub(super) struct History {
    gateway: Vec<(Instant, Gateway)>,
    hung: Vec<Hung>,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            gateway: vec![(Instant::now(), Gateway::new())],
            hung: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Gateway {
        self.gateway.last().unwrap().1
    }

    pub(super) fn change(&mut self, change: impl FnOnce(&mut Gateway)) {
        let mut now = self.now();
        change(&mut now);
        self.gateway.push((Instant::now(), now));
    }

    /// Where it stands in the history now.
    pub(super) fn mark(&self) -> usize {
        self.gateway.len() - 1
    }

    /// How it stood at a mark and since, and before that for as long as anybody waits for a call.
    pub(super) fn since(&self, mark: usize, before: Duration) -> &[(Instant, Gateway)] {
        let from = self.gateway[mark].0.checked_sub(before);
        let earlier = self.gateway[..mark]
            .iter()
            .rev()
            .take_while(|(until, _)| !before.is_zero() && from.is_none_or(|from| *until >= from));
        // And the one that stood when that time began.
        let count = earlier.count() + usize::from(!before.is_zero());
        &self.gateway[mark.saturating_sub(count)..]
    }

    pub(super) fn answer(&mut self, user: &str, order: u64) -> Reply {
        let now = self.now();
        if now.health(user, order) == Health::Hangs {
            self.hung.push(Hung {
                at: Instant::now(),
                user: user.to_owned(),
                went_astray: now.has_moved(),
            });
        }
        now.answer(user, order)
    }

    /// Whether somebody may rightly wait for a call that hangs: their own, or one that nobody can know of.
    pub(super) fn may_hang(&self, user: &str, longest: Duration) -> bool {
        let lately = |hung: &&Hung| hung.at.elapsed() < longest;
        let mut hung = self.hung.iter().filter(lately);
        hung.any(|hung| hung.user == user || hung.went_astray)
    }
}
