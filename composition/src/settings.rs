//! How a BFF is told what it needs: by the environment, or by an option of the same name.

mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use bytesize::ByteSize;
use chassis::secret::SecretString;
use chassis::telemetry::log::Format;
use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, ValueEnum};
use http::{HeaderName, StatusCode};
use ipnet::IpNet;
use upstream::retry;
use url::Url;

use self::values::refusal;
pub use self::values::{AccessLog, BaseUrl, Pair, Wait};
use crate::client_version::Version;
use crate::protection::Protection;
use crate::shop::Place;

/// The settings of one BFF. What is wrong with one is said with its name, before anything is opened.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// Address and port to listen on. Port 0 lets the system choose.
    #[arg(long, env = "BFF_BIND", value_name = "ADDRESS")]
    pub bind: Option<SocketAddr>,

    /// Where backends are: `gateway` is its internal listener, `direct` is one address for each.
    #[arg(long, env = "BFF_MODE", value_enum, default_value_t = Mode::Gateway)]
    pub mode: Mode,

    /// The gateway's internal listener.
    #[arg(
        long,
        env = "BFF_GATEWAY_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8081"
    )]
    pub gateway_url: BaseUrl,

    /// Backends of the direct mode.
    #[command(flatten)]
    pub direct: Direct,

    /// Networks whose word is taken for sticky keys, deadlines, request ids and the state of routes.
    #[arg(
        long,
        env = "BFF_TRUSTED_CALLERS",
        value_name = "NETWORKS",
        value_delimiter = ',',
        default_value = "127.0.0.0/8,::1/128"
    )]
    pub trusted_callers: Vec<IpNet>,

    /// The field in which the edge says whose data may be shared, for parts that are kept by tenant: one that it takes
    /// from clients, such as x-user-groups.
    #[arg(long, env = "BFF_TENANT_FIELD", value_name = "NAME", value_parser = values::tenant_field)]
    pub tenant_field: Option<HeaderName>,

    /// Answers of backends that are kept, in bytes. 0 keeps none and joins no calls.
    #[arg(
        long,
        env = "BFF_CACHE_BYTES",
        value_name = "SIZE",
        default_value = "64MiB",
        value_parser = size
    )]
    pub cache_bytes: ByteSize,

    /// How many calls one backend may have at once.
    #[arg(
        long,
        env = "BFF_CALLS_PER_BACKEND",
        value_name = "COUNT",
        default_value_t = 64,
        value_parser = clap::builder::RangedU64ValueParser::<u32>::new().range(1..=100_000)
    )]
    pub calls_per_backend: u32,

    /// Threads; 0 is one per core.
    #[arg(
        long,
        env = "BFF_WORKERS",
        value_name = "COUNT",
        default_value_t = 0,
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(0..=1024)
    )]
    pub workers: usize,

    /// After SIGTERM, requests that are under way get this long.
    #[arg(
        long,
        env = "BFF_DRAIN",
        value_name = "DURATION",
        default_value = "10s",
        allow_hyphen_values = true
    )]
    pub drain: Wait,

    /// `off`, `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,composition=debug`.
    #[arg(
        long,
        env = "BFF_LOG_LEVEL",
        value_name = "LEVEL",
        default_value = "info"
    )]
    pub log_level: String,

    /// The process log on standard error: text on a terminal, else JSON, or always one of them.
    #[arg(long, env = "BFF_LOG_FORMAT", value_enum, default_value_t = LogFormat::Auto)]
    pub log_format: LogFormat,

    /// Where access lines go: `stdout`, `off`, or a path.
    #[arg(
        long,
        env = "BFF_ACCESS_LOG",
        value_name = "WHERE",
        default_value = "stdout"
    )]
    pub access_log: AccessLog,

    /// Signs cursors: at least 32 bytes, the same on every replica. Without it they end with the process.
    #[arg(
        long,
        env = "BFF_CURSOR_SECRET",
        value_name = "SECRET",
        hide_env_values = true
    )]
    pub cursor_secret: Option<SecretString>,

    /// The oldest versions of apps that are served, such as `ios=5.2.0,android=6.0.0`.
    #[arg(
        long,
        env = "BFF_MIN_CLIENT",
        value_name = "VERSIONS",
        value_delimiter = ','
    )]
    pub min_client: Vec<Pair<Version>>,

    /// Where newer ones are, such as `ios=https://apps.example/shop`.
    #[arg(
        long,
        env = "BFF_STORE_URL",
        value_name = "URLS",
        value_delimiter = ','
    )]
    pub store_url: Vec<Pair<Url>>,

    /// The status that older ones get.
    #[arg(
        long,
        env = "BFF_UPGRADE_STATUS",
        value_name = "STATUS",
        default_value = "426",
        value_parser = refusal
    )]
    pub upgrade_status: StatusCode,

    /// Writes the address as JSON to this file once requests are taken.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}

#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    settings: Settings,
}

/// The direct mode: where each backend is, which stands in place of its path below the gateway, and what is left to nobody
/// else there.
#[derive(Clone, Debug, Args)]
pub struct Direct {
    /// In place of the gateway's /api/products.
    #[arg(long, env = "BFF_CATALOG_URL", value_name = "URL")]
    pub catalog_url: Option<BaseUrl>,
    /// In place of the gateway's /api/reviews.
    #[arg(long, env = "BFF_REVIEWS_URL", value_name = "URL")]
    pub reviews_url: Option<BaseUrl>,
    /// In place of the gateway's /api/stock.
    #[arg(long, env = "BFF_INVENTORY_URL", value_name = "URL")]
    pub inventory_url: Option<BaseUrl>,
    /// In place of the gateway's /api/related.
    #[arg(long, env = "BFF_RECOMMENDATIONS_URL", value_name = "URL")]
    pub recommendations_url: Option<BaseUrl>,
    /// In place of the gateway's /api/orders.
    #[arg(long, env = "BFF_ORDERS_URL", value_name = "URL")]
    pub orders_url: Option<BaseUrl>,
    /// In place of the gateway's /api/users.
    #[arg(long, env = "BFF_USERS_URL", value_name = "URL")]
    pub users_url: Option<BaseUrl>,
    /// How often a call is tried in all; 1 repeats none.
    #[arg(
        long,
        env = "BFF_ATTEMPTS",
        value_name = "COUNT",
        default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(1..=5)
    )]
    pub attempts: u32,
    /// Whether a backend that mostly fails is left alone for a while.
    #[arg(long, env = "BFF_BREAKER", value_enum, default_value_t = Switch::On)]
    pub breaker: Switch,
    /// Whether a call that takes longer than nearly all others is made a second time beside it.
    #[arg(long, env = "BFF_HEDGING", value_enum, default_value_t = Switch::On)]
    pub hedging: Switch,
}

/// Something is done, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// Where backends are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Behind the gateway's internal listener, so that a cutover moves parts of screens.
    Gateway,
    /// Each at an address of its own.
    Direct,
}

/// As the log's own, for the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    /// For eyes.
    Text,
    /// For machines.
    Json,
}

impl From<LogFormat> for Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Auto => Self::Auto,
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

/// What is wrong with a setting, under the names that it has in the environment and among the options.
pub(crate) fn explain(wrong: &clap::Error) -> String {
    let said = wrong.to_string();
    let reason = said.split("\n\n").next().unwrap_or_default();
    let known = wrong.kind() != clap::error::ErrorKind::UnknownArgument;
    let option = match wrong.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) if known => option.split(' ').next().unwrap_or_default(),
        _ => "",
    };
    match option.strip_prefix("--") {
        Some(name) => {
            let variable = name.to_ascii_uppercase().replace('-', "_");
            format!("{reason}\n  it is BFF_{variable} in the environment, or {option}")
        }
        None => said,
    }
}

fn size(text: &str) -> Result<ByteSize, String> {
    text.parse()
        .map_err(|_| "write a number of bytes, such as 64MiB".to_owned())
}

/// A backend without an address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("in the direct mode each backend needs its address; missing: {}", .0.join(", "))]
pub struct Missing(pub Vec<&'static str>);

impl Settings {
    /// Reads what a process was started with: `options`, and the environment for what is not among them. `name` and
    /// `about` are what help and messages call it.
    ///
    /// # Errors
    /// An option is unknown or its value is wrong; also, when help was asked for, the help.
    pub fn read<I, S>(
        name: &'static str,
        about: &'static str,
        options: I,
    ) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = S>,
        S: Into<std::ffi::OsString> + Clone,
    {
        let command = Command::command()
            .name(name)
            .about(about)
            .version(env!("CARGO_PKG_VERSION"))
            .no_binary_name(true);
        let matches = command.try_get_matches_from(options)?;
        Command::from_arg_matches(&matches).map(|command| command.settings)
    }

    /// How calls to each backend are protected.
    pub fn protection(&self) -> Protection {
        let places = self.calls_per_backend;
        if self.mode == Mode::Gateway {
            return Protection::by_gateway(places);
        }
        let own = Protection::own(places);
        let Direct {
            attempts,
            breaker,
            hedging,
            ..
        } = self.direct;
        Protection {
            retry: retry::Settings {
                attempts,
                ..own.retry
            },
            breaker: own.breaker.filter(|_| breaker == Switch::On),
            hedge: own.hedge.filter(|_| hedging == Switch::On),
            ..own
        }
    }

    /// Where a backend is, given its name and its path below the gateway.
    pub fn places(&self) -> Result<impl Fn(&str, &str) -> Place, Missing> {
        let Direct {
            catalog_url,
            reviews_url,
            inventory_url,
            recommendations_url,
            orders_url,
            users_url,
            ..
        } = &self.direct;
        let direct = [
            ("catalog", "BFF_CATALOG_URL", catalog_url),
            ("reviews", "BFF_REVIEWS_URL", reviews_url),
            ("inventory", "BFF_INVENTORY_URL", inventory_url),
            (
                "recommendations",
                "BFF_RECOMMENDATIONS_URL",
                recommendations_url,
            ),
            ("orders", "BFF_ORDERS_URL", orders_url),
            ("users", "BFF_USERS_URL", users_url),
        ];
        let missing = direct.iter().filter(|(.., url)| url.is_none());
        let missing: Vec<&'static str> = missing.map(|(_, variable, _)| *variable).collect();
        if self.mode == Mode::Direct && !missing.is_empty() {
            return Err(Missing(missing));
        }
        let known: Vec<(&str, Place)> = direct
            .into_iter()
            .filter(|_| self.mode == Mode::Direct)
            .filter_map(|(name, _, url)| Some((name, url.clone()?.0)))
            .collect();
        let BaseUrl(gateway) = self.gateway_url.clone();
        Ok(move |name: &str, path: &str| {
            let own = known.iter().find(|(known, _)| *known == name);
            let below_gateway = || Place {
                base_path: format!("{}{path}", gateway.base_path),
                ..gateway.clone()
            };
            own.map_or_else(below_gateway, |(_, place)| place.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[&str]) -> Result<Settings, String> {
        Settings::read("bff", "for a test", options).map_err(|error| error.to_string())
    }

    #[test]
    fn through_the_gateway_a_backend_is_below_its_internal_listener() {
        let settings = read(&["--gateway-url", "http://10.0.0.1:8081/"]).unwrap();
        let place = settings.places().unwrap()("catalog", "/api/products");
        assert_eq!((place.host.as_str(), place.port), ("10.0.0.1", 8081));
        assert_eq!(place.base_path, "/api/products");
    }

    #[test]
    fn the_direct_mode_says_which_addresses_are_missing() {
        let only = ["--mode", "direct", "--users-url", "http://[::1]:7001/users"];
        let settings = read(&only).unwrap();
        let missing = settings.places().err().unwrap().to_string();
        assert!(
            missing.contains("BFF_CATALOG_URL, BFF_REVIEWS_URL"),
            "{missing}"
        );
        assert!(!missing.contains("BFF_USERS_URL"), "{missing}");
        assert_eq!(settings.direct.users_url.unwrap().0.host, "::1");
    }

    #[test]
    fn one_layer_repeats_and_one_breaks() {
        let of = |options: &[&str]| read(options).unwrap().protection();
        let behind = of(&["--attempts", "5"]);
        assert_eq!(behind, Protection::by_gateway(64));
        assert_eq!((behind.breaker, behind.hedge), (None, None));
        assert!(!behind.retry.on.answered(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(of(&["--mode", "direct"]), Protection::own(64));
        let bare = of(&[
            "--mode=direct",
            "--attempts=1",
            "--breaker=off",
            "--hedging=off",
        ]);
        assert_eq!(bare.retry.attempts, 1);
        assert_eq!((bare.breaker, bare.hedge), (None, None));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_settings_name_and_what_to_write() {
        for (option, value, said) in [
            ("--gateway-url", "https://x", "write http://host:port"),
            ("--gateway-url", "http://u:p@x", "write http://host:port"),
            ("--cache-bytes", "much", "such as 64MiB"),
            ("--drain", "soon", "such as 10s"),
            ("--drain", "-5s", "such as 10s"),
            ("--access-log", "somewhere", "write stdout, off, or a path"),
            ("--min-client", "ios", "write name=value"),
            ("--min-client", "ios=5.x", "such as 5.2.0"),
            ("--upgrade-status", "200", "from 400 to 499"),
            ("--calls-per-backend", "0", "1..=100000"),
            ("--attempts", "0", "1..=5"),
            ("--hedging", "maybe", "[possible values: on, off]"),
            ("--trusted-callers", "everybody", "invalid"),
        ] {
            let error = read(&[&format!("{option}={value}")]).err().unwrap();
            assert!(error.contains(said) && error.contains(option), "{error}");
        }
        let wrong = Settings::read("bff", "for a test", ["--drain", "soon"]).unwrap_err();
        let said = explain(&wrong);
        assert!(
            said.ends_with("it is BFF_DRAIN in the environment, or --drain"),
            "{said}"
        );
    }
}
