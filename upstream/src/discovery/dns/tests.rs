use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::Record;
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, SRV};
use tokio::net::UdpSocket;

use super::*;

/// A name server of a few records on a port of its own; its first address ends with `first`.
async fn server(first: u8) -> (Dns, impl Future<Output = ()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let dns = Dns::new(vec![socket.local_addr().unwrap()]);
    let serving = async move {
        let mut bytes = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
            let asked = Message::from_vec(&bytes[..length]).unwrap();
            let answer = answer(&asked, first).to_vec().unwrap();
            socket.send_to(&answer, from).await.unwrap();
        }
    };
    (dns, serving)
}

fn answer(asked: &Message, first: u8) -> Message {
    let query = asked.queries[0].clone();
    let (name, kind) = (query.name().clone(), query.query_type());
    let mut answer = Message::response(asked.id, asked.op_code);
    answer.add_query(query);
    let v4 = |last| RData::A(A(Ipv4Addr::new(10, 0, 0, last)));
    let (code, records) = match (name.to_utf8().to_lowercase().as_str(), kind) {
        ("users.shop.", RecordType::A) => {
            let first = Record::from_rdata(name.clone(), 30, v4(first));
            let second = Record::from_rdata(name, 20, v4(2));
            (ResponseCode::NoError, vec![first, second])
        }
        ("users.shop.", RecordType::AAAA) => {
            let address = RData::AAAA(AAAA(Ipv6Addr::LOCALHOST));
            (
                ResponseCode::NoError,
                vec![Record::from_rdata(name, 40, address)],
            )
        }
        ("alias.shop.", RecordType::A) => {
            let target: Name = "users.shop.".parse().unwrap();
            let alias = RData::CNAME(CNAME(target.clone()));
            let alias = Record::from_rdata(name, 7, alias);
            (
                ResponseCode::NoError,
                vec![alias, Record::from_rdata(target, 30, v4(1))],
            )
        }
        ("_web._tcp.shop.", RecordType::SRV) => {
            let service = SRV::new(10, 60, 7001, "users.shop.".parse().unwrap());
            (
                ResponseCode::NoError,
                vec![Record::from_rdata(name, 15, RData::SRV(service))],
            )
        }
        ("broken.shop.", _) => (ResponseCode::ServFail, vec![]),
        ("nobody.shop.", _) => (ResponseCode::NXDomain, vec![]),
        _ => (ResponseCode::NoError, vec![]),
    };
    answer.metadata.response_code = code;
    answer.add_answers(records);
    answer
}

async fn asking<T>(ask: impl AsyncFnOnce(Arc<Dns>) -> T) -> T {
    let (dns, serving) = server(1).await;
    tokio::select! {
        () = serving => unreachable!(),
        answered = ask(Arc::new(dns)) => answered,
    }
}

#[tokio::test]
async fn addresses_come_with_the_shortest_time_to_live() {
    asking(async |dns| {
        let found = dns.addresses("users.shop", Family::V4).await.unwrap();
        let addresses = [1, 2].map(|last| IpAddr::from([10, 0, 0, last]));
        assert_eq!(found.records, addresses);
        assert_eq!(found.ttl, Duration::from_secs(20));
        let found = dns.addresses("users.shop.", Family::V6).await.unwrap();
        assert_eq!(found.records, [IpAddr::from(Ipv6Addr::LOCALHOST)]);
        let found = dns.addresses("alias.shop", Family::V4).await.unwrap();
        assert_eq!(found.records, addresses[..1]);
        assert_eq!(found.ttl, Duration::from_secs(7));
    })
    .await;
}

#[tokio::test]
async fn services_come_with_port_and_weight() {
    asking(async |dns| {
        let found = dns.services("_web._tcp.shop").await.unwrap();
        let service = Service {
            priority: 10,
            weight: 60,
            port: 7001,
            target: "users.shop.".to_owned(),
        };
        assert_eq!(found.records, [service]);
        assert_eq!(found.ttl, Duration::from_secs(15));
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_is_not_known() {
    asking(async |dns| {
        let v4 = async |name| dns.addresses(name, Family::V4).await.unwrap_err();
        assert_eq!(
            v4("nobody.shop").await,
            Unanswered::None("there is no such name")
        );
        assert_eq!(
            v4("empty.shop").await,
            Unanswered::None("it has no A record")
        );
        let broken = v4("broken.shop").await;
        assert!(
            matches!(&broken, Unanswered::Failed(why) if why.contains("Server Failure")),
            "{broken}"
        );
    })
    .await;
}

#[tokio::test]
async fn other_servers_are_asked_from_the_next_question_on() {
    let ((dns, one), (other, two)) = (server(1).await, server(7).await);
    let servers = |dns: &Dns| dns.made.lock().unwrap().servers.clone();
    let asking = async {
        for (servers, last) in [(servers(&dns), 1), (servers(&other), 7)] {
            dns.set_servers(&servers);
            let found = dns.addresses("users.shop", Family::V4).await.unwrap();
            assert!(
                found.records.contains(&IpAddr::from([10, 0, 0, last])),
                "{found:?}"
            );
        }
    };
    tokio::select! {
        () = one => unreachable!(),
        () = two => unreachable!(),
        () = asking => {}
    }
}

#[tokio::test]
async fn the_hosts_file_comes_first() {
    // Every machine that tests are run on has this one.
    let dns = Dns::new(vec!["127.0.0.1:9".parse().unwrap()]);
    let (v4, v6) = (
        dns.addresses("localhost", Family::V4).await,
        dns.addresses("localhost", Family::V6).await,
    );
    let found = v4.or(v6).unwrap();
    assert!(found.records.iter().all(IpAddr::is_loopback), "{found:?}");
}
