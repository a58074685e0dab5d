//! Where state is kept, as written: `[state]`.

use std::path::PathBuf;
use std::time::Duration;

/// What survives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateConfig {
    /// The file.
    pub path: PathBuf,
    /// While no gateway watched for longer than this, nobody can say that legacy was not used.
    pub observe_gap_max: Duration,
    /// For so long nobody must have used legacy before a route may be retired.
    pub retire_after: Duration,
}
