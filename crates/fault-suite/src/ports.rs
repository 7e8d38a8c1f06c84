//! Ports for processes that must get the same one again after each start.

use std::fs;
use std::net::TcpListener;

/// Where Linux says which ports outgoing connections and port 0 are given.
const EPHEMERAL: &str = "/proc/sys/net/ipv4/ip_local_port_range";
/// The first of these ports where nobody says (RFC 6335).
const EPHEMERAL_FIRST: u16 = 49_152;
/// Below are ports of well-known services.
const FIRST: u16 = 10_000;

/// So many ports that are free now, and that no connection gets by chance while their users are killed; none when there
/// are not enough.
#[must_use]
pub fn lasting<const COUNT: usize>() -> Option<[u16; COUNT]> {
    let range = fs::read_to_string(EPHEMERAL).unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|first| first.parse().ok());
    // Where all ports are ephemeral there is none to be sure of.
    let end = first.filter(|first| *first > FIRST).unwrap_or(EPHEMERAL_FIRST);
    let count = u32::from(end - FIRST);
    // Another run at the same time begins elsewhere.
    let start = std::process::id() % count;
    let ports = (0..count).filter_map(|n| Some(FIRST + u16::try_from((start + n) % count).ok()?));
    let free = ports.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.take(COUNT).collect::<Vec<_>>().try_into().ok()
}
