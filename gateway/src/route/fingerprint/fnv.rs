//! FNV-1a of 64 bits: the same on every machine and in every release. Each part has its length before it, so that no two
//! can be read as one.

pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    pub(super) fn end(self) -> u64 {
        self.0
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn list<T: AsRef<str>>(
        &mut self,
        parts: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    ) {
        let parts = parts.into_iter();
        self.number(parts.len() as u64);
        for part in parts {
            self.text(part.as_ref());
        }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.add(bytes);
    }

    pub(super) fn number(&mut self, number: u64) {
        self.add(&number.to_le_bytes());
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
