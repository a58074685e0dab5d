//! `MurmurHash3` in its `x86_32` form with seed 0: the same value on every machine, in every release.

/// The hash of all bytes written so far. Cloning it keeps a common beginning.
#[derive(Clone, Debug, Default)]
pub struct Murmur3 {
    state: u32,
    tail: [u8; 4],
    length: u32,
}

impl Murmur3 {
    /// Adds bytes; writing them in pieces or at once makes no difference.
    pub fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let at = self.length as usize % 4;
            self.tail[at] = *byte;
            self.length = self.length.wrapping_add(1);
            if at == 3 {
                self.state ^= scramble(u32::from_le_bytes(self.tail));
                self.state = self
                    .state
                    .rotate_left(13)
                    .wrapping_mul(5)
                    .wrapping_add(0xe654_6b64);
            }
        }
    }

    /// The hash.
    pub fn finish(&self) -> u32 {
        let mut left = [0; 4];
        let rest = self.length as usize % 4;
        left[..rest].copy_from_slice(&self.tail[..rest]);
        let mut hash = self.state ^ scramble(u32::from_le_bytes(left)) ^ self.length;
        hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
        hash ^ hash >> 16
    }
}

fn scramble(block: u32) -> u32 {
    block
        .wrapping_mul(0xcc9e_2d51)
        .rotate_left(15)
        .wrapping_mul(0x1b87_3593)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hash(bytes: &[u8]) -> u32 {
        let mut murmur = Murmur3::default();
        murmur.write(bytes);
        murmur.finish()
    }

    #[test]
    fn known_values_hold() {
        assert_eq!(hash(b""), 0);
        assert_eq!(hash(b"hello"), 0x248b_fa47);
    }

    proptest! {
        #[test]
        fn pieces_hash_like_the_whole(bytes: Vec<u8>, at: proptest::sample::Index) {
            let (left, right) = bytes.split_at(at.index(bytes.len() + 1));
            let mut murmur = Murmur3::default();
            murmur.write(left);
            murmur.write(right);
            prop_assert_eq!(murmur.finish(), hash(&bytes));
        }
    }
}
