//! A development token issuer: a key of its own, made at first start, and the document that publishes it.
//!
//! Whoever can read the key file can sign tokens; it is for the machine of whoever tries the shop, and nothing else.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::control;
use crate::misbehave::misbehave;
use crate::stub::Stub;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// Characters of base64 on one line of a PEM file.
const LINE: usize = 64;

/// The key that signs, an ES256 key in PKCS#8.
#[derive(Debug)]
pub struct DevKey {
    public: Vec<u8>,
}

impl DevKey {
    /// Reads the key, or makes one that only its owner may read. Two processes that start at once end up with one key.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        match fs::read_to_string(path) {
            Ok(pem) => Self::read(&pem),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::create(path)?;
                Self::read(&fs::read_to_string(path)?)
            }
            Err(error) => Err(error),
        }
    }

    /// A stable name for the key.
    pub fn kid(&self) -> String {
        URL_SAFE_NO_PAD.encode(&digest(&SHA256, &self.public).as_ref()[..12])
    }

    /// The public half, as a JWK.
    pub fn public_jwk(&self) -> Value {
        // An uncompressed point: 4, then x and y of 32 bytes each.
        let (x, y) = self.public[1..].split_at(32);
        let encode = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
            "kid": self.kid(), "x": encode(x), "y": encode(y),
        })
    }

    fn read(pem: &str) -> io::Result<Self> {
        let wrong = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "not a PKCS#8 key in PEM; delete the file for a new one",
            )
        };
        let text = pem
            .trim()
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(END))
            .ok_or_else(wrong)?;
        let text: String = text.split_whitespace().collect();
        let der = STANDARD.decode(text).map_err(|_| wrong())?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der)
            .map_err(|_| wrong())?;
        Ok(Self {
            public: pair.public_key().as_ref().to_vec(),
        })
    }

    /// Written beside and linked into place, which fails when somebody else was first: then theirs is used.
    fn create(path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let key = key.map_err(|_| io::Error::other("no key could be made"))?;
        let beside = path.with_extension(format!("{:x}.new", fastrand::u64(..)));
        let mut file: File = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(in_pem(key.as_ref()).as_bytes())?;
        file.sync_all()?;
        let linked = fs::hard_link(&beside, path);
        fs::remove_file(&beside)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }
}

fn in_pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("{BEGIN}\n");
    for line in text.as_bytes().chunks(LINE) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str(END);
    pem.push('\n');
    pem
}

/// `/jwks` and health.
pub fn router(stub: &Arc<Stub>, key: &DevKey) -> Router {
    let document = json!({ "keys": [key.public_jwk()] });
    Router::new()
        .route("/jwks", get(move || async move { Json(document) }))
        .route("/healthz", get(|| async { "ok\n" }))
        .layer(from_fn_with_state(Arc::clone(stub), misbehave))
        .merge(control::router())
        .with_state(Arc::clone(stub))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dev/issuer-key.pem");
        let first = DevKey::load_or_create(&path).unwrap();
        let again = DevKey::load_or_create(&path).unwrap();
        assert_eq!(first.public_jwk(), again.public_jwk());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::metadata(path.parent().unwrap())
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o700
        );
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn two_that_start_at_once_end_up_with_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("issuer-key.pem");
        let kids: Vec<String> = std::thread::scope(|scope| {
            let both: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| DevKey::load_or_create(&path).unwrap().kid()))
                .collect();
            both.into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(kids.windows(2).all(|pair| pair[0] == pair[1]), "{kids:?}");
    }

    #[test]
    fn a_file_that_is_no_key_is_an_error_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("issuer-key.pem");
        fs::write(&path, "precious").unwrap();
        assert!(DevKey::load_or_create(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
