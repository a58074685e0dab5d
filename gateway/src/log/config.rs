//! What is written down, as written: `[log]`.

use chassis::telemetry::lines::Target;
use chassis::telemetry::log::Format;

/// The process log and the access lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// A level, or a filter such as `info,gateway=debug`.
    pub level: String,
    /// How the process log is written.
    pub format: Format,
    /// Where access lines go.
    pub access: Target,
}
