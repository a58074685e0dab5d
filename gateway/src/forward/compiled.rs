//! An upstream and what changes on the way to it, as the data path uses them.

use std::sync::Arc;

use upstream::{Connecting, Endpoint, Place, Upstream};

use super::config::{BackendConfig, HostPolicy, PathRewrite, UpstreamConfig};

/// One side of a route, or its only one.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Where it is.
    pub upstream: Arc<Upstream>,
    /// Which Host it sees.
    pub host: HostPolicy,
    /// What the path becomes.
    pub path: PathRewrite,
}

impl Backend {
    /// `config` as written for a route, over the upstream that it names.
    pub fn new(
        config: &BackendConfig,
        upstream: &Arc<Upstream>,
        upstream_host: &HostPolicy,
    ) -> Self {
        Self {
            upstream: Arc::clone(upstream),
            host: config
                .host
                .clone()
                .map_or_else(|| upstream_host.clone(), HostPolicy::Name),
            path: config.path.clone(),
        }
    }
}

/// Builds an upstream; endpoints that `previous` has too stay the same objects, with their connections and counters.
pub fn upstream(
    config: &UpstreamConfig,
    previous: Option<&Upstream>,
) -> Result<Upstream, upstream::endpoint::NotAHost> {
    let endpoint = |wanted: &super::config::EndpointConfig| {
        let place = Place::new(&wanted.host, wanted.port, &wanted.base_path);
        let same = |known: &&Arc<Endpoint>| *known.place() == place;
        match previous.and_then(|previous| previous.endpoints.iter().find(same)) {
            Some(known) => Ok(Arc::clone(known)),
            None => Endpoint::new(place).map(Arc::new),
        }
    };
    Ok(Upstream {
        name: config.name.clone(),
        endpoints: config
            .endpoints
            .iter()
            .map(endpoint)
            .collect::<Result<_, _>>()?,
        connecting: Connecting {
            timeout: config.connect_timeout,
            idle_max: config.pool_idle,
            idle_timeout: config.pool_idle_timeout,
        },
    })
}
