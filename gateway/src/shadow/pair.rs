//! One pair of answers, compared.

use bytes::Bytes;
use http::HeaderMap;
use strangler::compare::{Answer, Comparison, Rules, TooComplex, compare};

use super::compiled::{Copying, Direction};
use super::decode::{TooLarge, decoded};
use super::job::Answered;
use super::state::Dropped;

/// An answer with its body as it was before it was packed.
#[derive(Debug)]
struct Unpacked {
    status: u16,
    fields: HeaderMap,
    body: Bytes,
}

impl Unpacked {
    fn new(mut answered: Answered, max: usize) -> Result<Self, TooLarge> {
        let body = decoded(&answered.fields, answered.body.content(), max)?;
        Ok(Self {
            status: answered.status.as_u16(),
            fields: answered.fields,
            body,
        })
    }

    fn with<T>(&self, see: impl FnOnce(&Answer<'_>) -> T) -> T {
        let headers: Vec<(&str, &[u8])> = self
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        see(&Answer {
            status: self.status,
            headers: &headers,
            body: &self.body,
        })
    }

    fn compared(&self, rules: &Rules, other: &Self) -> Result<Comparison, TooComplex> {
        self.with(|left| other.with(|right| compare(rules, left, right)))
    }
}

/// Compares what both sides said, and what the one that answered said to the same once more.
pub(super) fn compared(
    copying: &Copying,
    answered: Answered,
    copied: Answered,
    second: Option<Answered>,
) -> Result<(Comparison, Option<Comparison>), Dropped> {
    let (rules, max) = (&copying.config.rules, copying.config.max_response);
    let answered = Unpacked::new(answered, max)?;
    let copied = Unpacked::new(copied, max)?;
    let second = second.and_then(|second| Unpacked::new(second, max).ok());
    // Legacy's answer stands on the left, whichever side answered the client.
    let pair = match copying.direction {
        Direction::ToService => answered.compared(rules, &copied),
        Direction::ToLegacy => copied.compared(rules, &answered),
    };
    let noise = second.and_then(|second| answered.compared(rules, &second).ok());
    Ok((pair?, noise))
}

/// What one side said, and a word for why the other said nothing.
pub(super) fn unanswered(
    copying: &Copying,
    answered: Answered,
    why: &str,
    second: Option<Answered>,
) -> (Comparison, Option<Comparison>) {
    let status = answered.status.as_u16();
    let pair = match copying.direction {
        Direction::ToService => Comparison::without_service(status, why),
        Direction::ToLegacy => Comparison::without_legacy(why, status),
    };
    let (rules, max) = (&copying.config.rules, copying.config.max_response);
    let noise = second.and_then(|second| {
        let answered = Unpacked::new(answered, max).ok()?;
        answered
            .compared(rules, &Unpacked::new(second, max).ok()?)
            .ok()
    });
    (pair, noise)
}

impl From<TooLarge> for Dropped {
    fn from(_: TooLarge) -> Self {
        Self::ResponseTooLarge
    }
}

impl From<TooComplex> for Dropped {
    fn from(_: TooComplex) -> Self {
        Self::TooComplex
    }
}

#[cfg(test)]
mod tests;
