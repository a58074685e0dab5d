//! What keeps looking where an upstream's endpoints are and how they are, beside the data path.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use chassis::tasks::Tasks;
use upstream::checking::{Ask, Asker, Checking, Checks};
use upstream::discovery::dns::Dns;
use upstream::discovery::{Discovery, Finding, List, Source};
use upstream::{Place, fleet};

use super::config::{EndpointConfig, HostPolicy, Lookup, UpstreamConfig};

/// The endpoints of one upstream.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// Where they are.
    pub discovery: Arc<Discovery>,
    /// How they are, where somebody asks.
    pub checks: Option<Arc<Checks>>,
}

impl Endpoints {
    /// What `previous` knows is known here too: endpoints stay the same, with their connections and their health, and
    /// names keep their last answer.
    pub fn new(config: &UpstreamConfig, previous: Option<&Self>) -> Self {
        let list = List {
            upstream: config.name.clone(),
            sources: config.endpoints.iter().map(source).collect(),
            file: config.endpoints_file.clone(),
        };
        let settings = fleet::Settings {
            balance: config.balance.clone(),
            slow_start: config.slow_start,
            ejection: config.ejection,
            checked: config.health.is_some(),
        };
        let known = previous.map(|previous| &previous.discovery);
        let same =
            |known: &&Arc<Discovery>| known.serves(&list) && *known.fleet().settings() == settings;
        let discovery = match known.filter(same) {
            Some(known) => Arc::clone(known),
            None => Arc::new(Discovery::open(
                &list,
                settings,
                known.map(|known| &**known),
            )),
        };
        let checks = checking(config).map(|checking| {
            let known = previous.and_then(|previous| previous.checks.as_ref());
            let fleet = discovery.fleet();
            match known.filter(|known| known.serves(&checking, fleet)) {
                Some(known) => Arc::clone(known),
                None => Arc::new(Checks::new(checking, fleet)),
            }
        });
        Self { discovery, checks }
    }
}

fn checking(config: &UpstreamConfig) -> Option<Checking> {
    Some(Checking {
        upstream: config.name.clone(),
        settings: config.health.clone()?,
        host: match &config.host {
            HostPolicy::Name(host) => Some(host.clone()),
            // No client asks here.
            HostPolicy::Preserve | HostPolicy::Endpoint => None,
        },
    })
}

fn source(config: &EndpointConfig) -> Source {
    let place = Place::new(&config.host, config.port, &config.base_path);
    match config.lookup {
        Lookup::Address => Source::new(place, config.weight),
        Lookup::Srv => Source::service(place, config.weight),
    }
}

/// Whoever looks, for all upstreams.
#[derive(Debug)]
pub struct Finder {
    dns: Arc<Dns>,
    finding: Finding,
    asker: Arc<dyn Ask>,
}

impl Finder {
    /// Nothing is asked yet. `read` reads the text of an endpoints file.
    ///
    /// # Errors
    /// The client for health checks cannot be set up.
    pub fn new(
        read: impl Fn(&str) -> Result<Vec<EndpointConfig>, String> + Send + Sync + 'static,
        tasks: &Tasks,
    ) -> reqwest::Result<Self> {
        let dns = Arc::new(Dns::new(Vec::new()));
        let read = move |path: &Path| {
            let shown = path.display();
            let text =
                std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
            let listed = read(&text).map_err(|why| format!("{shown}: {why}"))?;
            Ok(listed.iter().map(source).collect())
        };
        Ok(Self {
            finding: Finding {
                resolver: Arc::clone(&dns) as _,
                read: Arc::new(read),
                tasks: tasks.clone(),
            },
            dns,
            asker: Arc::new(Asker::new()?),
        })
    }

    /// Where it runs.
    pub fn tasks(&self) -> &Tasks {
        &self.finding.tasks
    }

    /// From now on these name servers are asked, for these upstreams; what is looked for already goes on.
    pub fn serve<'a>(
        &self,
        servers: &[SocketAddr],
        upstreams: impl IntoIterator<Item = &'a Endpoints>,
    ) {
        self.dns.set_servers(servers);
        for endpoints in upstreams {
            endpoints.discovery.start(&self.finding);
            if let Some(checks) = &endpoints.checks {
                checks.start(&self.asker, &self.finding.tasks);
            }
        }
    }
}

#[cfg(test)]
mod tests;
