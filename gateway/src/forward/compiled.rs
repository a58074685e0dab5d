//! An upstream and what changes on the way to it, as the data path uses them.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, Method, Response};
use upstream::balance::{Balance, HashBy};
use upstream::breaker::{self, Breaker};
use upstream::bulkhead::Bulkhead;
use upstream::fleet::Fleet;
use upstream::{Connecting, Upstream, retry};

use super::config::{
    BackendConfig, FallbackAnswer, FallbackConfig, FallbackOn, HostPolicy, PathRewrite,
    RespondConfig, UpstreamConfig,
};

/// One side of a route, or its only one.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Where it is.
    pub upstream: Arc<Upstream>,
    /// Which Host it sees.
    pub host: HostPolicy,
    /// What the path becomes.
    pub path: PathRewrite,
    /// Which failed tries are made again.
    pub retry: Arc<retry::Settings>,
    /// What keeps it from being asked, for this route and this side of it.
    pub breaker: Option<Arc<Breaker>>,
}

/// What a backend is the way to, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct To<'a> {
    /// For this route.
    pub route: &'a str,
    /// For this side of it.
    pub side: &'a str,
    /// The upstream, as written.
    pub written: &'a UpstreamConfig,
    /// The upstream.
    pub upstream: &'a Arc<Upstream>,
}

impl Backend {
    /// `config` as written for a route, over the upstream that it names. What `previous` has learnt is kept.
    pub fn new(
        config: &BackendConfig,
        to: &To<'_>,
        retry: retry::Settings,
        previous: Option<&Self>,
    ) -> Self {
        let To {
            written, upstream, ..
        } = *to;
        let known = previous
            .filter(|known| known.upstream.name == upstream.name)
            .and_then(|known| known.breaker.as_ref());
        let breaker = written.breaker.as_ref().map(|settings| {
            let same = known.filter(|known| known.settings() == settings);
            same.map_or_else(|| Arc::new(to.breaker(settings)), Arc::clone)
        });
        Self {
            upstream: Arc::clone(upstream),
            host: config
                .host
                .clone()
                .map_or_else(|| written.host.clone(), HostPolicy::Name),
            path: config.path.clone(),
            retry: Arc::new(retry),
            breaker,
        }
    }

    /// Whether such a request may be sent to it a second time although a part of it was.
    pub fn repeats(&self, method: &Method, fields: &HeaderMap) -> bool {
        self.retry.attempts > 1 && self.retry.repeats(method, fields)
    }

    /// What its balance knows callers by, where it does.
    pub fn hash_by(&self) -> Option<&HashBy> {
        match &self.upstream.fleet.settings().balance {
            Balance::Hash(by) => Some(by),
            Balance::PowerOfTwo | Balance::RoundRobin | Balance::Random | Balance::LeastRequest => {
                None
            }
        }
    }
}

impl To<'_> {
    fn breaker(&self, settings: &breaker::Settings) -> Breaker {
        let Self {
            route,
            side,
            upstream,
            ..
        } = self;
        let name = format!("{route}/{side} to {}", upstream.name);
        Breaker::new(settings.clone()).named(name)
    }
}

/// Who answers when a route's backend does not.
#[derive(Debug)]
pub struct Fallback {
    /// After what.
    pub on: FallbackOn,
    /// For which methods.
    pub methods: Vec<Method>,
    /// Who.
    pub to: FallbackTo,
}

/// Who answers instead.
#[derive(Debug)]
pub enum FallbackTo {
    /// Another backend.
    Backend(Backend),
    /// Always the same.
    Fixed(Fixed),
}

/// An answer that the file itself gives.
#[derive(Debug)]
pub struct Fixed(Response<Bytes>);

impl Fallback {
    /// As written; `backend` compiles the backend that it may name.
    pub fn new<E>(
        config: &FallbackConfig,
        backend: impl FnOnce(&BackendConfig) -> Result<Backend, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            on: config.on.clone(),
            methods: config.methods.clone(),
            to: match &config.answer {
                FallbackAnswer::Upstream(config) => FallbackTo::Backend(backend(config)?),
                FallbackAnswer::Respond(config) => FallbackTo::Fixed(Fixed::new(config).for_now()),
            },
        })
    }

    /// Whether somebody is asked, which takes time.
    pub fn asks(&self) -> bool {
        matches!(self.to, FallbackTo::Backend(_))
    }

    /// Whether somebody may be asked for such a request.
    pub fn may_ask_for(&self, method: &Method) -> bool {
        self.asks() && self.methods.contains(method)
    }

    /// Whom it asks, if it does.
    pub fn backend(&self) -> Option<&Backend> {
        match &self.to {
            FallbackTo::Backend(backend) => Some(backend),
            FallbackTo::Fixed(_) => None,
        }
    }
}

impl Fixed {
    /// As written.
    pub fn new(config: &RespondConfig) -> Self {
        let mut answer = Response::new(Bytes::from(config.body.clone()));
        *answer.status_mut() = config.status;
        if !config.body.is_empty() {
            let fields = answer.headers_mut();
            fields.insert(CONTENT_TYPE, config.content_type.clone());
        }
        Self(answer)
    }

    /// True only while the backend does not answer.
    fn for_now(mut self) -> Self {
        let fields = self.0.headers_mut();
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self
    }

    /// Once more.
    pub fn answer<B: From<Bytes>>(&self) -> Response<B> {
        self.0.clone().map(B::from)
    }
}

/// Builds an upstream of these endpoints. What `known` has alive is kept wherever its part of the file is as it was: the
/// budget, the places of the bulkhead, the counters.
pub fn upstream(config: &UpstreamConfig, fleet: &Arc<Fleet>, known: Option<&Upstream>) -> Upstream {
    let bulkhead = config.bulkhead.map(|settings| {
        let same = known.and_then(|known| known.bulkhead.as_ref());
        let same = same.filter(|known| known.settings() == settings);
        same.map_or_else(|| Bulkhead::new(settings), Arc::clone)
    });
    Upstream {
        name: config.name.clone(),
        fleet: Arc::clone(fleet),
        connecting: Connecting {
            timeout: config.connect_timeout,
            idle_max: config.pool_idle,
            idle_timeout: config.pool_idle_timeout,
        },
        bulkhead,
        budget: known
            .map(|known| Arc::clone(&known.budget))
            .unwrap_or_default(),
        tally: known
            .map(|known| Arc::clone(&known.tally))
            .unwrap_or_default(),
    }
}
