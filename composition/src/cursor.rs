//! Where the next page begins, as a text that a client hands back unread: versioned, and signed, so that nobody makes
//! one up.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::secret::{ExposeSecret, SecretString};

/// The form of what is signed. Cursors of another one are refused, and the list begins anew.
const VERSION: u8 = 1;

/// Of the signature, so many bytes: enough against guessing, short in an address.
const SIGNATURE: usize = 16;

const LENGTH: usize = 1 + 8 + SIGNATURE;

/// A secret that is too easy to guess.
#[derive(Debug, thiserror::Error)]
#[error("a cursor secret has at least 32 bytes, for example what `openssl rand -hex 32` prints")]
pub struct TooShort;

/// Makes and reads the cursors of one list.
#[derive(Clone, Debug)]
pub struct Cursors {
    key: Key,
    list: &'static str,
}

impl Cursors {
    /// For the list with this name: another list's cursors are not taken.
    pub fn new(secret: &SecretString, list: &'static str) -> Result<Self, TooShort> {
        let secret = secret.expose_secret().as_bytes();
        if secret.len() < 32 {
            return Err(TooShort);
        }
        Ok(Self {
            key: Key::new(HMAC_SHA256, secret),
            list,
        })
    }

    /// The next page begins behind the thing with this id.
    pub fn behind(&self, id: u64) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&id.to_be_bytes());
        let signature = self.signature(&bytes);
        bytes.extend_from_slice(&signature);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The id behind which the next page begins; `None` when the cursor is none of ours.
    pub fn read(&self, cursor: &str) -> Option<u64> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        if bytes.len() != LENGTH || bytes[0] != VERSION {
            return None;
        }
        let (said, signature) = bytes.split_at(LENGTH - SIGNATURE);
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.signature(said), signature).ok()?;
        Some(u64::from_be_bytes(said[1..].try_into().ok()?))
    }

    fn signature(&self, said: &[u8]) -> Vec<u8> {
        let mut text = self.list.as_bytes().to_vec();
        text.push(0);
        text.extend_from_slice(said);
        sign(&self.key, &text).as_ref()[..SIGNATURE].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cursors(list: &'static str) -> Cursors {
        let secret = SecretString::from("x".repeat(32));
        Cursors::new(&secret, list).unwrap()
    }

    #[test]
    fn a_cursor_is_read_back_by_its_own_list_alone() {
        let cursor = cursors("products").behind(u64::MAX);
        assert_eq!(cursors("products").read(&cursor), Some(u64::MAX));
        assert_eq!(cursors("orders").read(&cursor), None);
        let other = Cursors::new(&SecretString::from("y".repeat(32)), "products").unwrap();
        assert_eq!(other.read(&cursor), None);
        assert!(Cursors::new(&SecretString::from("short"), "products").is_err());
    }

    proptest! {
        #[test]
        fn a_tampered_cursor_is_none(id: u64, at in 0..LENGTH, bit in 0..8_u8) {
            let cursors = cursors("products");
            let mut bytes = URL_SAFE_NO_PAD.decode(cursors.behind(id)).unwrap();
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(cursors.read(&URL_SAFE_NO_PAD.encode(bytes)), None);
        }

        #[test]
        fn no_text_is_a_cursor_by_chance(text: String) {
            prop_assert_eq!(cursors("products").read(&text), None);
        }
    }
}
