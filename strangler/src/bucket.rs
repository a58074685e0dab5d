//! Every sticky key falls into one of ten thousand buckets, and stays there.
//!
//! Raising a percentage only ever adds keys. A new epoch shuffles the buckets anew.

use crate::murmur3::Murmur3;
use crate::percent::Percent;

/// How many buckets there are: one for each hundredth of a percent.
const BUCKETS: u32 = 10_000;

/// One of the ten thousand, and the whole hash that led there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket {
    hash: u32,
}

/// Puts keys into buckets: `murmur3("{salt}:{key}") mod 10000`, from epoch 2 on `"{salt}#{epoch}:{key}"`.
///
/// ```
/// let bucketer = strangler::Bucketer::new("orders-v2", 1);
/// assert_eq!(bucketer.bucket("alice").number(), 318);
/// ```
#[derive(Clone, Debug)]
pub struct Bucketer {
    salted: Murmur3,
}

impl Bucket {
    /// 0 to 9999.
    pub fn number(self) -> u16 {
        (self.hash % BUCKETS) as u16
    }

    /// The salted key's whole hash: tells keys apart without keeping them.
    pub fn hash(self) -> u32 {
        self.hash
    }

    /// Whether this bucket belongs to the first `percent` of all.
    pub fn is_within(self, percent: Percent) -> bool {
        self.number() < percent.hundredths()
    }
}

impl Bucketer {
    /// `salt` is the route's or flag's name, or its declared salt. Epochs count from 1.
    pub fn new(salt: &str, epoch: u32) -> Self {
        let mut salted = Murmur3::default();
        salted.write(salt.as_bytes());
        if epoch > 1 {
            salted.write(format!("#{epoch}").as_bytes());
        }
        salted.write(b":");
        Self { salted }
    }

    /// The key's bucket.
    pub fn bucket(&self, key: &str) -> Bucket {
        let mut hash = self.salted.clone();
        hash.write(key.as_bytes());
        Bucket {
            hash: hash.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_buckets_hold() {
        let first = Bucketer::new("orders-v2", 1);
        let second = Bucketer::new("orders-v2", 2);
        for (key, in_first, in_second) in [
            ("alice", 318, 2305),
            ("bob", 7826, 140),
            ("user-123", 4176, 6031),
        ] {
            assert_eq!(first.bucket(key).number(), in_first, "{key}");
            assert_eq!(second.bucket(key).number(), in_second, "{key}");
        }
    }

    #[test]
    fn golden_shares_of_ten_thousand_users_hold() {
        let bucketer = Bucketer::new("orders-v2", 1);
        for (percent, users) in [
            (1.0, 94),
            (5.0, 481),
            (10.0, 1004),
            (25.0, 2519),
            (50.0, 5061),
        ] {
            let percent = Percent::try_from(percent).unwrap();
            let within =
                (0..10_000).filter(|n| bucketer.bucket(&format!("user-{n}")).is_within(percent));
            assert_eq!(within.count(), users, "{percent}");
        }
    }

    #[test]
    fn the_published_vectors_of_unleash_hold() {
        for (key, expected) in [
            ("gr1:123", 73),
            ("groupX:999", 25),
            ("AB12A:122", 23),
            ("AB12A:155", 100),
        ] {
            let mut hash = Murmur3::default();
            hash.write(key.as_bytes());
            assert_eq!(hash.finish() % 100 + 1, expected, "{key}");
        }
    }

    #[test]
    fn raising_the_percentage_only_adds_users() {
        let bucketer = Bucketer::new("products", 3);
        for n in 0..2_000 {
            let bucket = bucketer.bucket(&format!("user-{n}"));
            let sides: Vec<bool> = (0..=100)
                .map(|p| bucket.is_within(Percent::try_from(f64::from(p)).unwrap()))
                .collect();
            assert!(sides.is_sorted());
            assert!(!sides[0] && sides[100]);
        }
    }
}
