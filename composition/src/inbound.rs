//! What a request brings with it besides its parameters: who asks, how long they wait, where routes led when the edge
//! took it.

use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use chassis::handover::{self, DEADLINE, STATE, State};
use chassis::identity::{Identity, Trust};
use http::header::IF_NONE_MATCH;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

/// One request, as far as its screen needs to know it.
#[derive(Debug)]
pub struct Inbound {
    /// Who asks. Handed to every call.
    pub identity: Identity,
    /// When it came in.
    pub began: Instant,
    /// How long its caller waits, where a trusted caller says so.
    pub deadline: Option<Duration>,
    /// Where routes led when the edge took it; `None` when no edge says so.
    pub state: Option<State>,
    /// Whose data it may see besides its own, where a trusted caller says so.
    pub tenant: Option<String>,
    /// The answers that it has already (`If-None-Match`).
    known: Vec<HeaderValue>,
    caller: OnceLock<CallerId>,
}

/// Tells callers apart without keeping what they are known by: a digest of token and sticky key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallerId([u8; 16]);

/// What a request brought that was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Whose field was left out of account.
    pub field: &'static str,
}

/// Fields that only trusted callers may bring.
const HANDED_ON: [&str; 3] = ["x-banyan-sticky", "x-banyan-state", "x-request-deadline-ms"];

impl Inbound {
    /// Reads a request's fields; says which of them were ignored. `tenant` names the field that says whose data.
    pub fn read(
        fields: &HeaderMap,
        trust: Trust,
        tenant: Option<&HeaderName>,
        now: Instant,
    ) -> (Self, Vec<Ignored>) {
        let mut ignored = Vec::new();
        if trust == Trust::Stranger {
            let spoofed = HANDED_ON.iter().filter(|name| fields.contains_key(**name));
            ignored.extend(spoofed.map(|field| Ignored { field }));
            if fields
                .keys()
                .any(|name| name.as_str().starts_with("x-user-"))
            {
                ignored.push(Ignored { field: "x-user-*" });
            }
        }
        let believed = |name: &HeaderName| fields.get(name).filter(|_| trust == Trust::Trusted);
        // Of two, none can be believed.
        let is_one = fields.get_all(DEADLINE).iter().count() == 1;
        let deadline =
            believed(&DEADLINE).map(|value| handover::deadline(value).filter(|_| is_one));
        if deadline == Some(None) {
            ignored.push(Ignored {
                field: "x-request-deadline-ms",
            });
        }
        let tenant = tenant.and_then(believed);
        let inbound = Self {
            identity: Identity::read(fields, trust),
            began: now,
            deadline: deadline.flatten(),
            state: believed(&STATE).and_then(State::read),
            // An empty one is nobody's: what is shared by a tenant is then its user's own.
            tenant: tenant
                .and_then(|value| value.to_str().ok().map(str::to_owned))
                .filter(|tenant| !tenant.is_empty()),
            known: fields.get_all(IF_NONE_MATCH).iter().cloned().collect(),
            caller: OnceLock::new(),
        };
        (inbound, ignored)
    }

    /// Who asks, as a key. Worked out when it is first asked for.
    pub fn caller(&self) -> CallerId {
        *self.caller.get_or_init(|| CallerId::of(&self.identity))
    }

    /// Whether it has the answer with this tag already (RFC 9110, section 13.1.2: compared weakly).
    pub(crate) fn has(&self, tag: &HeaderValue) -> bool {
        let lists = self.known.iter().filter_map(|value| value.to_str().ok());
        let mut tags = lists.flat_map(|list| list.split(',').map(str::trim));
        tags.any(|known| {
            known == "*" || known.trim_start_matches("W/").as_bytes() == tag.as_bytes()
        })
    }

    /// Nobody says who asks.
    pub fn is_anonymous(&self) -> bool {
        self.identity.authorization.is_none()
    }
}

impl CallerId {
    fn of(identity: &Identity) -> Self {
        let mut text = Vec::new();
        for value in [&identity.authorization, &identity.sticky] {
            let bytes = value.as_ref().map_or(&b""[..], |value| value.as_bytes());
            // The length keeps two fields from looking like two others.
            text.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            text.extend_from_slice(bytes);
        }
        let whole = digest(&SHA256, &text);
        let mut id = [0; 16];
        id.copy_from_slice(&whole.as_ref()[..16]);
        Self(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn read(list: &[(&'static str, &'static str)], trust: Trust) -> (Inbound, Vec<&'static str>) {
        let (inbound, ignored) = Inbound::read(&fields(list), trust, None, Instant::now());
        (inbound, ignored.iter().map(|one| one.field).collect())
    }

    #[test]
    fn what_strangers_hand_on_is_ignored_and_said() {
        let list = [
            ("x-banyan-sticky", "alice"),
            ("x-request-deadline-ms", "120"),
            ("x-banyan-state", "00000000000000ff"),
            ("x-user-id", "root"),
        ];
        let (stranger, ignored) = read(&list, Trust::Stranger);
        assert_eq!(ignored.len(), 4, "{ignored:?}");
        assert_eq!((stranger.deadline, stranger.state), (None, None));
        let (trusted, ignored) = read(&list, Trust::Trusted);
        assert_eq!(ignored, [""; 0]);
        assert_eq!(trusted.deadline, Some(Duration::from_millis(120)));
        assert_eq!(trusted.state, Some(State(255)));
    }

    #[test]
    fn an_absurd_deadline_is_ignored_and_said() {
        for absurd in ["-5", "1e9", "99999999999999", ""] {
            let (inbound, ignored) = read(&[("x-request-deadline-ms", absurd)], Trust::Trusted);
            assert_eq!(inbound.deadline, None, "{absurd}");
            assert_eq!(ignored, ["x-request-deadline-ms"], "{absurd}");
        }
    }

    #[test]
    fn callers_differ_by_token_and_by_sticky_key() {
        let of = |list: &[(&'static str, &'static str)]| read(list, Trust::Trusted).0.caller();
        let alice = [("authorization", "Bearer a")];
        assert_eq!(of(&alice), of(&alice));
        assert_ne!(of(&alice), of(&[("authorization", "Bearer b")]));
        assert_ne!(of(&alice), of(&[]));
        assert_ne!(of(&[]), of(&[("x-banyan-sticky", "v7")]));
        assert_ne!(of(&alice), of(&[("x-banyan-sticky", "Bearer a")]));
    }
}
