//! Calls of gRPC: they pass with what ends them, and hear our own problems as gRPC says them.

use tests::h2_client::H2Client;
use tests::origin::{Origin, Refusing, Reply};

use crate::before;

fn call(client: &H2Client) -> http::request::Builder {
    let head = client.head("POST", "/shop.Users/Get");
    head.header("content-type", "application/grpc+proto")
        .header("te", "trailers")
        .header("grpc-timeout", "5S")
}

#[tokio::test]
async fn a_call_passes_with_its_end() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\n\
                  transfer-encoding: chunked\r\ntrailer: grpc-status\r\n\r\n\
                  7\r\n\0\0\0\0\x02hi\r\n0\r\ngrpc-status: 0\r\n\r\n";
    let origin = Origin::scripted([Reply::Bytes(answer.into())]).await;
    let edge = before(&origin.url(), "").start().await;
    let client = H2Client::connect(edge.address).await;
    let answer = client.send_with(call(&client), "\0\0\0\0\x02yo").await;
    assert_eq!(answer.body, b"\0\0\0\0\x02hi");
    assert_eq!(
        answer.trailers,
        [("grpc-status".to_owned(), "0".to_owned())]
    );
    let seen = &origin.seen()[0];
    assert_eq!(seen.body, b"\0\0\0\0\x02yo");
    assert_eq!(seen.head.all("te"), ["trailers"]);
}

#[tokio::test]
async fn a_problem_of_ours_is_the_end_of_the_call() {
    let refusing = Refusing::new();
    let edge = before(&refusing.url(), "").start().await;
    let client = H2Client::connect(edge.address).await;
    let answer = client.send_with(call(&client), "\0\0\0\0\x02yo").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("content-type"), Some("application/grpc"));
    assert_eq!(answer.field("grpc-status"), Some("14"));
    let message = answer.field("grpc-message").unwrap();
    assert!(message.starts_with("upstream_unreachable: "), "{message}");
    assert_eq!((answer.body.len(), answer.trailers.len()), (0, 0));
    // It is counted as what it is.
    let line = edge.access_line("the call", |line| line["code"] == "upstream_unreachable");
    assert_eq!(line.await["status"], 502);
}
