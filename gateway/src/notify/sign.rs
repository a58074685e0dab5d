//! How a receiver knows that a message is ours: the signature of Standard Webhooks.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a secret begins with that is written in base64.
const ENCODED: &str = "whsec_";

/// `webhook-signature` of a message that is posted at `timestamp`, seconds since 1970.
pub fn signature(secret: &str, id: &str, timestamp: u64, body: &str) -> String {
    let mut signed = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key(secret)));
    for part in [id, ".", &timestamp.to_string(), ".", body] {
        signed.update(part.as_bytes());
    }
    format!("v1,{}", STANDARD.encode(signed.sign()))
}

/// What is no base64 is taken as it stands, so that any shared secret will do.
fn key(secret: &str) -> Vec<u8> {
    let encoded = secret.strip_prefix(ENCODED);
    let key = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
    key.unwrap_or_else(|| secret.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_that_standard_webhooks_publishes() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = signature(secret, id, 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_without_a_prefix_is_used_as_it_is() {
        // node: createHmac('sha256', 'a shared secret').update('msg_1.1.{}').digest('base64')
        let signed = signature("a shared secret", "msg_1", 1, "{}");
        assert_eq!(signed, "v1,Xk+/UJ417X78ERFdC2uomJ5pgQyEl/M0l/7mJdT1Li8=");
    }
}
