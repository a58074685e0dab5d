//! How it stands between this gateway and the others, for people.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How it stands with the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Company {
    /// This gateway, as the others know it.
    pub me: String,
    /// The other gateways that were there lately.
    #[serde(default)]
    pub others: Vec<String>,
    /// Who judges canaries for all; nothing while that is not known.
    pub judge: Option<String>,
    /// Why nothing is shared now, if so.
    pub away: Option<String>,
}
