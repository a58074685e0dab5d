//! Whether an endpoint answers when it is only asked how it is: active health.

use std::time::Duration;

use http::StatusCode;

/// As written: `[upstream.NAME.health]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What is asked for, behind the endpoint's base path.
    pub path: String,
    /// Which answers are good.
    pub statuses: Vec<Statuses>,
    /// How long between two checks of one endpoint; drawn a tenth around it.
    pub interval: Duration,
    /// How long a check may take.
    pub timeout: Duration,
    /// So many good checks in a row make an ill endpoint well.
    pub healthy: u32,
    /// So many bad checks in a row make it ill.
    pub unhealthy: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            statuses: vec![Statuses::Class(2)],
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
            healthy: 2,
            unhealthy: 3,
        }
    }
}

/// `200` or `2xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statuses {
    /// This one.
    One(StatusCode),
    /// All that begin with this digit.
    Class(u16),
}

impl Statuses {
    /// Whether it is one of them.
    pub fn contain(self, status: StatusCode) -> bool {
        match self {
            Self::One(one) => one == status,
            Self::Class(class) => status.as_u16() / 100 == class,
        }
    }
}
