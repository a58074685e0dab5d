//! Which version of an app asks, and which are too old to be served.

use std::collections::BTreeMap;
use std::str::FromStr;

use chassis::problem::Problem;
use http::{HeaderMap, HeaderName, StatusCode};

use crate::problems::problem;

/// `ios/5.2.1`
pub(crate) const CLIENT: HeaderName = HeaderName::from_static("x-client");

/// A version: up to three numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u32; 3]);

/// A text that is no version.
#[derive(Debug, thiserror::Error)]
#[error("a version is up to three numbers with points between them, such as 5.2.0")]
pub struct NotAVersion;

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let mut numbers = [0; 3];
        for (index, part) in text.split('.').enumerate() {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            let slot = numbers.get_mut(index).filter(|_| digits);
            *slot.ok_or(NotAVersion)? = part.parse().map_err(|_| NotAVersion)?;
        }
        Ok(Self(numbers))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// What of an app is still served, by platform.
#[derive(Clone, Debug)]
pub struct ClientPolicy {
    /// The oldest version that is.
    pub minimum: BTreeMap<String, Version>,
    /// Where there is a newer one.
    pub store: BTreeMap<String, String>,
    /// The status that older ones get.
    pub status: StatusCode,
}

/// What a request says about its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// Nothing.
    Unsaid,
    /// Nothing that is understood.
    Malformed,
    /// A platform and a version.
    App(String, Version),
}

impl Client {
    pub(crate) fn read(fields: &HeaderMap) -> Self {
        let mut values = fields.get_all(CLIENT).iter();
        let Some(value) = values.next() else {
            return Self::Unsaid;
        };
        let parsed = || {
            let (platform, version) = value.to_str().ok()?.split_once('/')?;
            let name = |c: char| c.is_ascii_alphanumeric() || c == '-';
            let fits = (1..=32).contains(&platform.len()) && platform.chars().all(name);
            let version = version.parse().ok()?;
            fits.then(|| Self::App(platform.to_ascii_lowercase(), version))
        };
        if values.next().is_some() {
            return Self::Malformed;
        }
        parsed().unwrap_or(Self::Malformed)
    }
}

impl ClientPolicy {
    /// The answer to a client that is too old.
    pub(crate) fn refuse(&self, client: &Client) -> Option<Problem> {
        let Client::App(platform, version) = client else {
            return None;
        };
        let minimum = self
            .minimum
            .get(platform)
            .filter(|least| version < *least)?;
        let refused = problem("app_upgrade_required")
            .with_status(self.status)
            .detail(format!("version {minimum} or later is served"))
            .with("min_version", minimum.to_string().into());
        Some(match self.store.get(platform) {
            Some(url) => refused.with("store_url", url.as_str().into()),
            None => refused,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(value: &'static str) -> Client {
        let mut fields = HeaderMap::new();
        fields.insert(CLIENT, HeaderValue::from_static(value));
        Client::read(&fields)
    }

    #[test]
    fn only_versions_below_the_minimum_of_their_platform_are_refused() {
        let policy = ClientPolicy {
            minimum: BTreeMap::from([("ios".into(), "5.2.0".parse().unwrap())]),
            store: BTreeMap::from([("ios".into(), "https://apps.example/shop".into())]),
            status: StatusCode::UPGRADE_REQUIRED,
        };
        for (client, refused) in [
            ("ios/5.1.9", true),
            ("iOS/5", true),
            ("ios/5.2", false),
            ("ios/5.10.0", false),
            ("ios/6", false),
            ("android/1.0.0", false),
        ] {
            assert_eq!(policy.refuse(&read(client)).is_some(), refused, "{client}");
        }
        let problem = policy.refuse(&read("ios/1.0.0")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&problem.to_json()).unwrap();
        assert_eq!(json["type"], "/problems/app-upgrade-required");
        assert_eq!(json["min_version"], "5.2.0");
        assert_eq!(json["store_url"], "https://apps.example/shop");
        assert_eq!(problem.status(), 426);
    }

    #[test]
    fn what_is_no_version_is_malformed() {
        for malformed in [
            "ios",
            "ios/",
            "ios/5.2.1.0",
            "ios/5.x",
            "/5",
            "ios/-1",
            "ios/99999999999",
        ] {
            assert_eq!(read(malformed), Client::Malformed, "{malformed}");
        }
        assert_eq!(Client::read(&HeaderMap::new()), Client::Unsaid);
    }
}
