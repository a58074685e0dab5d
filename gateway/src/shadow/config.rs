//! How a route's requests are copied to its other side and the answers compared, as written: `[route.NAME.shadow]`.

use std::time::Duration;

use http::Method;
use http::header::CONTENT_TYPE;
use strangler::{Gate, Percent, Rules};

/// `[route.NAME.shadow]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ShadowConfig {
    /// Which share of the callers is copied.
    pub percent: Percent,
    /// Migrated: requests are copied to legacy.
    pub reverse: bool,
    /// Whether the answers are compared, or the copies only sent.
    pub compare: bool,
    /// Which methods are copied.
    pub methods: Vec<Method>,
    /// The file says twice that writes may be copied: `unsafe_methods` and `target_is_sandbox`.
    pub writes: bool,
    /// What a copy says about who asked.
    pub credentials: Credentials,
    /// How long a copy may take.
    pub timeout: Duration,
    /// How many copies may wait.
    pub queue: usize,
    /// How many copies are under way at once.
    pub concurrency: usize,
    /// The largest request body that is copied, bytes.
    pub max_body: usize,
    /// The largest answer that is compared, bytes, as sent and as decoded.
    pub max_response: usize,
    /// Of which share of the pairs the side that answered is asked twice.
    pub noise: Percent,
    /// How the answers are compared.
    pub rules: Rules,
    /// What a canary asks for.
    pub gate: Gate,
}

/// What a copy says about who asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// The gateway's own `x-user-*` fields; neither cookies nor tokens nor keys.
    #[default]
    Identity,
    /// Nothing.
    None,
    /// All that the request had.
    Forward,
}

/// What holds where the file says nothing.
impl Default for ShadowConfig {
    fn default() -> Self {
        Self {
            percent: Percent::ALL,
            reverse: false,
            compare: true,
            methods: vec![Method::GET, Method::HEAD],
            writes: false,
            credentials: Credentials::default(),
            timeout: Duration::from_secs(2),
            queue: 256,
            concurrency: 32,
            max_body: 256 * 1024,
            max_response: 1024 * 1024,
            noise: Percent::try_from(5.0).unwrap_or(Percent::NONE),
            rules: Rules {
                headers: vec![CONTENT_TYPE.to_string()],
                ..Rules::default()
            },
            gate: Gate {
                min_compared: 2000,
                max_mismatch_rate: 0.001,
            },
        }
    }
}

/// Whether a method asks for nothing but an answer (RFC 9110, section 9.2.1).
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
