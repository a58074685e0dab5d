//! Asks a running gateway, by its admin listener.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use chassis::secret::{ExposeSecret as _, SecretString};
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::{FileArg, load};
use crate::listener::config::AdminConfig;

/// An answer takes milliseconds; a gateway that does not give one is in trouble.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the running gateway is.
#[derive(Debug, clap::Args)]
pub(super) struct RemoteArgs {
    #[command(flatten)]
    pub(super) file: FileArg,
    /// The gateway's admin listener, where it is not the one that the file names: <http://127.0.0.1:9900>.
    #[arg(long, value_name = "URL", env = "BANYAN_ADMIN_URL")]
    admin: Option<Url>,
    /// A file with the admin token, where it is not the file's.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Who speaks, and why.
#[derive(Debug, clap::Args)]
pub(super) struct WordArgs {
    /// Why: whoever is paged next reads it.
    #[arg(long, value_name = "TEXT")]
    pub(super) why: String,
    /// Who says so; by default the name that you are logged in with.
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
}

/// A running gateway.
pub(super) struct Remote {
    url: Url,
    token: Option<SecretString>,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

/// Nobody answers there.
#[derive(Debug, thiserror::Error)]
#[error("no gateway answers at {url}: {why}; start it, or name its admin listener with --admin")]
pub(super) struct NobodyThere {
    url: Url,
    why: String,
}

/// The name that somebody is logged in with.
pub(super) fn who(given: Option<&str>) -> String {
    let environment = load::environment();
    let known = || environment("USER").or_else(|| environment("LOGNAME"));
    let name = given.map(str::to_owned).or_else(known);
    name.filter(|name| !name.trim().is_empty())
        .unwrap_or_else(|| "somebody".to_owned())
}

impl WordArgs {
    pub(super) fn who(&self) -> String {
        who(self.who.as_deref())
    }
}

impl Remote {
    pub(super) fn at(args: &RemoteArgs) -> anyhow::Result<Self> {
        if args.admin.is_some() {
            // The file may be on another machine; its token is welcome where it is here.
            let own = load::ready(&args.file.config).ok();
            let own = own.and_then(|ready| ready.config.admin.token);
            return Self::named(args, own);
        }
        let admin = load::ready(&args.file.config)?.config.admin;
        Self::of(args, &admin)
    }

    /// The gateway of a file that was read already.
    pub(super) fn of(args: &RemoteArgs, admin: &AdminConfig) -> anyhow::Result<Self> {
        if args.admin.is_some() {
            return Self::named(args, admin.token.clone());
        }
        let mut bind = admin.bind;
        if bind.port() == 0 {
            bail!("admin.bind has port 0, so nobody knows where it is: name it with --admin");
        }
        if bind.ip().is_unspecified() {
            bind.set_ip(match bind {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let url = Url::parse(&format!("http://{bind}"))?;
        Self::new(url, args.token()?.or_else(|| admin.token.clone()))
    }

    fn named(args: &RemoteArgs, own: Option<SecretString>) -> anyhow::Result<Self> {
        let admin = args.admin.clone().context("--admin")?;
        Self::new(admin, args.token()?.or(own))
    }

    fn new(url: Url, token: Option<SecretString>) -> anyhow::Result<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            bail!("--admin {url}: write it whole, such as http://127.0.0.1:9900");
        }
        let runtime = tokio::runtime::Builder::new_current_thread();
        Ok(Self {
            url,
            token,
            client: chassis::http_client::build(PATIENCE)?,
            runtime: { runtime }.enable_all().build()?,
        })
    }

    /// Reads something. `path` is in segments; names may have anything in them.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &[&str]) -> anyhow::Result<T> {
        let request = self.client.get(self.to(path));
        self.send(request)
    }

    /// The same, with a question.
    pub(super) fn find<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> anyhow::Result<T> {
        let mut url = self.to(path);
        url.query_pairs_mut().extend_pairs(query);
        self.send(self.client.get(url))
    }

    /// Says something.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let body = serde_json::to_vec(body)?;
        let request = self.client.post(self.to(path)).body(body);
        self.send(request.header(CONTENT_TYPE, "application/json"))
    }

    fn to(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn send<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> anyhow::Result<T> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        };
        let asking = async {
            let answer = request.send().await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        };
        let (status, body) = self.runtime.block_on(asking).map_err(|error| {
            let (url, why) = (self.url.clone(), innermost(&error));
            // One that takes a connection is there, and may know better.
            if error.is_connect() {
                anyhow::Error::from(NobodyThere { url, why })
            } else {
                anyhow!("the gateway at {url} does not answer: {why}")
            }
        })?;
        if status.is_success() {
            let url = &self.url;
            return serde_json::from_slice(&body)
                .with_context(|| format!("{url} answers, but not as this version's gateway does"));
        }
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let said = problem["detail"].as_str().or(problem["title"].as_str());
        Err(match said {
            Some(said) => anyhow!("{said}"),
            None => anyhow!("{} answers {status}", self.url),
        })
    }
}

impl RemoteArgs {
    fn token(&self) -> anyhow::Result<Option<SecretString>> {
        let read = |path: &PathBuf| {
            chassis::secret::from_file(path)
                .with_context(|| format!("--token-file {} cannot be read", path.display()))
        };
        self.token_file.as_ref().map(read).transpose()
    }
}

/// The cause that says something: "Connection refused".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
