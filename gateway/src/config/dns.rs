//! `[dns]`: who is asked what the names of endpoints stand for.

use std::net::{IpAddr, SocketAddr};

use crate::config::report::quoted;
use crate::config::table::Table;
use crate::config::value::Value;
use crate::forward::config::DnsConfig;

const PORT: u16 = 53;

pub(super) fn read(table: &Table<'_>) -> DnsConfig {
    let servers = table.get("servers").and_then(|value| value.each(server));
    let servers = servers.unwrap_or_default().into_iter();
    DnsConfig {
        servers: servers.map(|server| server.value).collect(),
    }
}

fn server(value: &Value<'_>) -> Option<SocketAddr> {
    let text = value.word()?;
    let address = text.parse().ok().or_else(|| {
        let address: IpAddr = text.parse().ok()?;
        Some(SocketAddr::new(address, PORT))
    });
    let address = address.filter(|address| address.port() != 0);
    if address.is_none() {
        value.wrong(
            format!("{} is no address of a name server", quoted(&text)),
            "write \"10.0.0.2\", \"10.0.0.2:5353\" or \"[fd00::2]:53\"; a name would need a name server itself",
        );
    }
    address
}
