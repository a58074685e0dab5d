//! Whom a request comes from, and how that is found out.

use crate::explain::{Explanation, Question};
use crate::forward::chain::{Seen, is_in, walk};
use crate::forward::client::{Client, Peer};
use crate::forward::fields::Sender;
use crate::listener::config::Listener;
use crate::snapshot::Snapshot;

/// Nobody, where the request is refused for whom it comes from.
pub(super) fn client(
    snapshot: &Snapshot,
    question: &Question,
    told: &mut Explanation,
) -> Option<Client> {
    if question.listener == Listener::Internal {
        return caller(snapshot, question, told);
    }
    let trusted = &snapshot.config.edge.trusted_proxies;
    let peer = Peer::new(question.peer, Listener::Edge);
    let client = Client::of(&peer, &question.fields, trusted);
    let how = if client.address == question.peer {
        "the peer itself"
    } else {
        "told by a trusted proxy"
    };
    let mut said = vec![format!("{} ({how})", client.address)];
    if is_in(trusted, question.peer) {
        said.push(format!("the peer {} is a trusted proxy", question.peer));
        walk(peer.address, &question.fields, trusted, |seen| {
            said.push(match seen {
                Seen::Proxy(address) => format!("it names {address}, a trusted proxy too"),
                Seen::Client(address) => format!("it names {address}, which is nobody trusted"),
                Seen::Unreadable(entry) => {
                    format!("it names {entry:?}, which is no address: nothing left of that counts")
                }
            });
        });
    }
    told.say("client", said);
    Some(client)
}

fn caller(snapshot: &Snapshot, question: &Question, told: &mut Explanation) -> Option<Client> {
    if snapshot.config.internal.is_none() {
        told.say("client", ["there is no [internal] listener".to_owned()]);
        return None;
    }
    let client = Client::calling(question.peer, snapshot.config.trusted_callers());
    let is_trusted = client.sender == Sender::TrustedCaller;
    let how = if is_trusted {
        "a trusted caller"
    } else {
        "refused with 403: none of internal.trusted_callers"
    };
    told.say("client", [format!("{} ({how})", client.address)]);
    is_trusted.then_some(client)
}
