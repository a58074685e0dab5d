//! Why a message is not read on.

/// What is wrong with a message. The connection ends with it: what follows cannot be trusted to be another message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It breaks a rule of HTTP, or could be read in two ways.
    #[error("{0}")]
    Bad(&'static str),
    /// It is of a version of HTTP that is not spoken here.
    #[error("this version of HTTP is not spoken here")]
    Version,
    /// The request target is longer than allowed.
    #[error("the request target is too long")]
    TargetTooLong,
    /// The fields are longer or more than allowed.
    #[error("the fields are too many or too long")]
    HeadTooLarge,
}
