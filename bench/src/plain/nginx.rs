//! Debian's nginx, twice: as the origin that always says the same, and as the proxy to compare with.
//!
//! The proxy does what the gateway does: kept connections on both sides, a hundred routes, a limit per address, the same
//! fields added, one JSON access line a request, written in blocks.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use super::{CONTENT, RATE, ROUTES};
use crate::child::{Child, Core, pinned};
use crate::target::{Target, free_port, listens};

/// The origin, ready.
pub(crate) fn origin(core: Core, folder: &Path) -> anyhow::Result<(Child, SocketAddr)> {
    let address = loopback(free_port()?);
    let content = "x".repeat(CONTENT);
    let http = format!(
        "access_log off;
    server {{
        listen {address} backlog=4096 reuseport;
        default_type text/plain;
        add_header x-origin yes;
        add_header x-seen-forwarded-for $http_x_forwarded_for;
        location / {{ return 200 \"{content}\"; }}
    }}"
    );
    let process = start("origin", core, folder, &http, address)?;
    Ok((process, address))
}

/// The proxy, ready.
pub(crate) fn proxy(core: Core, folder: &Path, origin: SocketAddr) -> anyhow::Result<Target> {
    let address = loopback(free_port()?);
    let access_log = folder.join("nginx-access.log");
    let http = proxy_section(address, origin, &access_log);
    let process = start("nginx", core, folder, &http, address)?;
    Ok(Target {
        name: "nginx",
        address,
        process,
        access_log,
    })
}

fn proxy_section(address: SocketAddr, origin: SocketAddr, access_log: &Path) -> String {
    let mut locations = String::new();
    for n in 0..ROUTES {
        let _ = writeln!(
            locations,
            "        location /service-{n:03} {{ limit_req zone=flood burst={RATE} nodelay; proxy_pass http://origin; }}"
        );
    }
    let log = access_log.display();
    format!(
        "log_format line escape=json '{{\"time\":\"$time_iso8601\",\"client\":\"$remote_addr\",\"method\":\"$request_method\",'
        '\"path\":\"$uri\",\"status\":$status,\"bytes\":$body_bytes_sent,\"duration\":$request_time,'
        '\"upstream\":\"$upstream_addr\",\"upstream_time\":\"$upstream_response_time\",\"host\":\"$host\",'
        '\"user_agent\":\"$http_user_agent\",\"request_id\":\"$request_id\"}}';
    access_log {log} line buffer=64k flush=1s;
    limit_req_zone $binary_remote_addr zone=flood:10m rate={RATE}r/s;
    upstream origin {{ server {origin}; keepalive 128; keepalive_requests 1000000000; }}
    server {{
        listen {address} backlog=4096;
        proxy_http_version 1.1;
        proxy_set_header Connection \"\";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $host;
        proxy_set_header Forwarded \"for=$remote_addr;host=$host;proto=$scheme\";
        proxy_set_header Via \"1.1 nginx\";
        proxy_set_header X-Request-Id $request_id;
{locations}    }}"
    )
}

fn start(
    name: &'static str,
    core: Core,
    folder: &Path,
    http: &str,
    address: SocketAddr,
) -> anyhow::Result<Child> {
    let home = folder.join(name);
    std::fs::create_dir_all(home.join("temp"))?;
    let file = home.join("nginx.conf");
    std::fs::write(&file, configuration(&home, http))?;
    let mut command = pinned(core, "nginx");
    command.arg("-p").arg(&home).arg("-c").arg(file);
    let mut child = Child::start(name, command, &home.join("output.log"))?;
    child.until(|| listens(address))?;
    Ok(child)
}

fn configuration(home: &Path, http: &str) -> String {
    let home = home.display();
    format!(
        "{user}worker_processes 1;
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
    client_body_temp_path {home}/temp;
    proxy_temp_path {home}/temp;
    fastcgi_temp_path {home}/temp;
    uwsgi_temp_path {home}/temp;
    scgi_temp_path {home}/temp;
    keepalive_timeout 75s;
    keepalive_requests 1000000000;
    tcp_nodelay on;
    {http}
}}
",
        user = user()
    )
}

/// As root, the workers would become somebody who may not write here.
fn user() -> &'static str {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt as _;
        own.uid() == 0
    });
    if root { "user root;\n" } else { "" }
}

fn loopback(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}
