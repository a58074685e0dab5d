//! Whether a screen can do without a part, and how many of a backend's places that leaves to it.

/// Of the places, optional parts may hold so many hundredths; the rest is for those without which there is no screen.
const OPTIONAL_PERCENT: u64 = 80;

/// Whether a screen can do without a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// No.
    Required,
    /// Yes.
    Optional,
}

impl Need {
    /// How many of so many places may be held when a call for it takes one more.
    pub(crate) fn of(self, places: u32) -> u32 {
        let optional = u64::from(places) * OPTIONAL_PERCENT / 100;
        match self {
            Self::Required => places,
            // No more than there are.
            Self::Optional => u32::try_from(optional).unwrap_or(places),
        }
    }
}
