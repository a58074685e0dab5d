//! Opening a listening socket, with an error that says which setting to change.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the kernel keeps for us while we are busy.
const BACKLOG: i32 = 4096;

/// Port 0 leaves the choice to the system; somebody else may take the chosen port between two of our binds.
const TRIES_AT_PORT_0: usize = 16;

/// An address that could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.explain())]
pub struct ListenError {
    address: SocketAddr,
    key: String,
    source: io::Error,
}

impl ListenError {
    fn explain(&self) -> String {
        let Self {
            address,
            key,
            source,
        } = self;
        match source.kind() {
            io::ErrorKind::AddrInUse => format!(
                "{key}: {address} is taken by another process; stop that one, or choose another port for {key} \
                 (see who has it: `ss -ltnp 'sport = :{}'`)",
                address.port()
            ),
            io::ErrorKind::PermissionDenied => format!(
                "{key}: {address} is not ours to open (ports below 1024 need CAP_NET_BIND_SERVICE); choose another port"
            ),
            io::ErrorKind::AddrNotAvailable => {
                format!(
                    "{key}: no interface of this machine has the address {}",
                    address.ip()
                )
            }
            _ => format!("{key}: {address} cannot be listened on: {source}"),
        }
    }
}

/// Listens on `address`. `key` is the setting that an operator would change.
pub fn alone(address: SocketAddr, key: &str) -> Result<TcpListener, ListenError> {
    open(address, Sharing::Alone).map_err(|source| ListenError {
        address,
        key: key.to_owned(),
        source,
    })
}

/// `count` listeners on one address, between which the kernel spreads connections (`SO_REUSEPORT`).
///
/// The address is bound without sharing first, so that another process on it is an error and not a silent partner.
pub fn per_core(
    address: SocketAddr,
    count: usize,
    key: &str,
) -> Result<Vec<TcpListener>, ListenError> {
    let error = |source| ListenError {
        address,
        key: key.to_owned(),
        source,
    };
    let tries = if address.port() == 0 {
        TRIES_AT_PORT_0
    } else {
        1
    };
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..tries {
        let probe = bind(address, Sharing::Alone).map_err(error)?;
        let chosen = probe
            .local_addr()
            .map_err(error)?
            .as_socket()
            .unwrap_or(address);
        drop(probe);
        match (0..count).map(|_| open(chosen, Sharing::Shared)).collect() {
            Ok(listeners) => return Ok(listeners),
            Err(taken) => last = taken,
        }
    }
    Err(error(last))
}

#[derive(Clone, Copy)]
enum Sharing {
    Alone,
    Shared,
}

fn bind(address: SocketAddr, sharing: Sharing) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    if let Sharing::Shared = sharing {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn open(address: SocketAddr, sharing: Sharing) -> io::Result<TcpListener> {
    let socket = bind(address, sharing)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn a_taken_port_is_an_error_that_names_the_key_even_when_it_was_opened_for_sharing() {
        let first = per_core(loopback(0), 2, "edge.bind").unwrap();
        let address = first[0].local_addr().unwrap();
        assert_eq!(first[1].local_addr().unwrap(), address);
        for second in [
            per_core(address, 1, "edge.bind").map(drop),
            alone(address, "edge.bind").map(drop),
        ] {
            let said = second.unwrap_err().to_string();
            assert!(
                said.contains("edge.bind") && said.contains(&address.to_string()),
                "{said}"
            );
            assert!(said.contains("taken"), "{said}");
        }
    }
}
