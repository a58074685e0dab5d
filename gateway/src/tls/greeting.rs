//! What a client and the gateway agreed on before the first request.

use rustls::ServerConnection;

/// The application protocol that was chosen (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// `http/1.1`.
    Http1,
    /// `h2`.
    Http2,
}

impl Alpn {
    /// As it is written on the wire.
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// A finished handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// None where the client named no protocol.
    pub alpn: Option<Alpn>,
    /// The name that the client asked for, in lower case.
    pub server_name: Option<Box<str>>,
}

impl Greeting {
    /// What was agreed on.
    pub fn of(connection: &ServerConnection) -> Self {
        let chosen = connection.alpn_protocol();
        Self {
            alpn: [Alpn::Http1, Alpn::Http2]
                .into_iter()
                .find(|alpn| chosen == Some(alpn.as_bytes())),
            server_name: connection.server_name().map(Into::into),
        }
    }
}
