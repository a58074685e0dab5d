//! A name server of a few records, which change while it runs.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use chassis::tasks::Tasks;
use tokio::net::UdpSocket;

const A: u16 = 1;
const SRV: u16 = 33;

/// How long an answer may be kept: no time, so that each change is noticed within a second.
const TTL: u32 = 0;

const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;

/// A name server on a port of its own. Dropping it ends it.
#[derive(Debug)]
pub struct Names {
    address: SocketAddr,
    records: Records,
    tasks: Tasks,
}

type Records = Arc<Mutex<HashMap<String, Said>>>;

#[derive(Clone, Debug)]
enum Said {
    /// These records of this type.
    Are(u16, Vec<Vec<u8>>),
    Fails,
}

impl Names {
    /// It knows no name.
    pub async fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let socket = socket.expect("a free port");
        let address = socket.local_addr().expect("a bound socket");
        let (records, tasks) = (Records::default(), Tasks::new());
        let (known, stopping) = (Arc::clone(&records), tasks.stopping());
        tasks.spawn("name server", async move {
            let serving = async {
                let mut query = [0; 1500];
                while let Ok((length, from)) = socket.recv_from(&mut query).await {
                    if let Some(answer) = answer(&query[..length], &known) {
                        let _ = socket.send_to(&answer, from).await;
                    }
                }
            };
            tokio::select! { () = serving => {}, () = stopping => {} }
        });
        Self {
            address,
            records,
            tasks,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on `name` has these addresses.
    pub fn has(&self, name: &str, addresses: &[[u8; 4]]) {
        let records = addresses.iter().map(|address| address.to_vec());
        self.say(name, Said::Are(A, records.collect()));
    }

    /// From now on the service `name` is offered at these ports of these hosts.
    pub fn offers(&self, name: &str, places: &[(&str, u16)]) {
        let record = |(host, port): &(&str, u16)| {
            let (priority, weight) = (10_u16, 1_u16);
            let mut record = Vec::new();
            for number in [priority, weight, *port] {
                record.extend(number.to_be_bytes());
            }
            record.extend(labels(host));
            record
        };
        self.say(name, Said::Are(SRV, places.iter().map(record).collect()));
    }

    /// From now on asking for `name` fails.
    pub fn fails(&self, name: &str) {
        self.say(name, Said::Fails);
    }

    fn say(&self, name: &str, said: Said) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.insert(name.to_owned(), said);
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

/// RFC 1035, section 4.1.
fn answer(query: &[u8], records: &Records) -> Option<Vec<u8>> {
    let (mut at, mut name) = (12, String::new());
    loop {
        let length = usize::from(*query.get(at)?);
        let label = query.get(at + 1..at + 1 + length)?;
        at += 1 + length;
        if length == 0 {
            break;
        }
        let dot = if name.is_empty() { "" } else { "." };
        name.extend([dot, std::str::from_utf8(label).ok()?]);
    }
    let asked = u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]);
    let question = query.get(12..at + 4)?;
    let known = records.lock().unwrap_or_else(PoisonError::into_inner);
    let (code, found) = match known.get(&name.to_lowercase()) {
        None => (NXDOMAIN, Vec::new()),
        Some(Said::Fails) => (SERVFAIL, Vec::new()),
        Some(Said::Are(kind, found)) if *kind == asked => (0, found.clone()),
        Some(Said::Are(..)) => (0, Vec::new()),
    };
    let count = u16::try_from(found.len()).ok()?;
    let mut answer = query.get(..2)?.to_vec();
    // An answer, by one who knows, to a question with recursion.
    answer.extend([0x85, 0x80 | code]);
    for number in [1, count, 0, 0] {
        answer.extend(number.to_be_bytes());
    }
    answer.extend(question);
    for record in found {
        let length = u16::try_from(record.len()).ok()?;
        // The name of the question, and the class of the Internet.
        answer.extend([0xc0, 12]);
        answer.extend(asked.to_be_bytes());
        answer.extend([0, 1]);
        answer.extend(TTL.to_be_bytes());
        answer.extend(length.to_be_bytes());
        answer.extend(record);
    }
    Some(answer)
}

fn labels(name: &str) -> Vec<u8> {
    let mut labels = Vec::new();
    for label in name.split('.') {
        labels.extend(u8::try_from(label.len()));
        labels.extend(label.as_bytes());
    }
    labels.push(0);
    labels
}
