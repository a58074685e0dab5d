//! One after the other, each as often as its share says, its turns spread evenly over the round.

/// A round is no longer. Shares that would need more are rounded.
const LONGEST: u64 = 4096;

/// Whose turn it is.
#[derive(Debug)]
pub(crate) enum Turns {
    /// All so many have the same share.
    Even(usize),
    /// A round of turns.
    Round(Box<[usize]>),
}

impl Turns {
    /// For endpoints with these shares, of which none is zero.
    pub(crate) fn new(shares: &[u32]) -> Self {
        if shares.windows(2).all(|pair| pair[0] == pair[1]) {
            return Self::Even(shares.len());
        }
        let times = times(shares);
        // The nth turn of each stands somewhere in the nth of its equal parts of the round: each elsewhere, so that
        // many that come once do not come together.
        let mut turns: Vec<Turn> = std::iter::zip(0.., &times)
            .flat_map(|(of, times)| (0..*times).map(move |nth| Turn::new(nth, *times, of)))
            .collect();
        turns.sort_by(|one, other| {
            let (sooner, later) = (one.part * other.parts, other.part * one.parts);
            sooner.cmp(&later).then(one.of.cmp(&other.of))
        });
        Self::Round(turns.into_iter().map(|turn| turn.of).collect())
    }

    /// Whose turn the `turn`th is.
    pub(crate) fn at(&self, turn: u64) -> usize {
        let within = |len: usize| {
            let len = u64::try_from(len).unwrap_or(u64::MAX).max(1);
            usize::try_from(turn % len).unwrap_or(0)
        };
        match self {
            Self::Even(len) => within(*len),
            Self::Round(turns) => turns[within(turns.len())],
        }
    }
}

/// One turn `of` somebody, at `part` of `parts` of the round.
struct Turn {
    part: u64,
    parts: u64,
    of: usize,
}

impl Turn {
    fn new(nth: u64, times: u64, of: usize) -> Self {
        // Steps of the golden ratio never fall together.
        let offset = u16::try_from(of % 65_536).unwrap_or(0).wrapping_mul(40_503);
        Self {
            part: (nth << 16) + u64::from(offset),
            parts: times,
            of,
        }
    }
}

/// How often each comes in a round.
fn times(shares: &[u32]) -> Vec<u64> {
    let divisor = shares.iter().copied().fold(0, greatest_common_divisor);
    let times = shares.iter().map(|share| u64::from(share / divisor.max(1)));
    let sum: u64 = times.clone().sum();
    if sum <= LONGEST {
        return times.collect();
    }
    times.map(|times| (times * LONGEST / sum).max(1)).collect()
}

fn greatest_common_divisor(one: u32, other: u32) -> u32 {
    if other == 0 {
        one
    } else {
        greatest_common_divisor(other, one % other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(shares: &[u32], len: u64) -> Vec<usize> {
        let turns = Turns::new(shares);
        (0..len).map(|turn| turns.at(turn)).collect()
    }

    #[test]
    fn equals_follow_one_another() {
        assert_eq!(round(&[20, 20, 20], 5), [0, 1, 2, 0, 1]);
    }

    #[test]
    fn each_comes_as_often_as_its_share_and_never_in_a_lump() {
        assert_eq!(round(&[100, 20, 20], 7), [0, 0, 2, 0, 0, 1, 0]);
        assert_eq!(round(&[1, 3], 8), [0, 1, 1, 1, 0, 1, 1, 1]);
    }

    #[test]
    fn many_that_come_once_do_not_come_together() {
        let mut shares = [1; 11];
        shares[0] = 10;
        let round = round(&shares, 40);
        let is_lump = |three: &[usize]| three.iter().all(|at| *at > 0);
        assert!(!round.windows(3).any(is_lump), "{round:?}");
    }

    #[test]
    fn a_round_stays_short_and_leaves_nobody_out() {
        let mut counts = [0_u64; 3];
        for at in round(&[1, 999_983, 499_979], LONGEST) {
            counts[at] += 1;
        }
        assert!(counts[0] >= 1, "{counts:?}");
        assert!((2725..=2735).contains(&counts[1]), "{counts:?}");
    }
}
