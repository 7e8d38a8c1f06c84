//! Ports for processes that get the same one again after each start.

use std::fs;
use std::net::TcpListener;

/// Where Linux says which ports outgoing connections are given.
const EPHEMERAL: &str = "/proc/sys/net/ipv4/ip_local_port_range";
/// The first of these ports where nobody says (RFC 6335).
const EPHEMERAL_FIRST: u16 = 49_152;
/// Below are ports of well-known services.
const FIRST: u16 = 10_000;

/// Ports that are free now and that no outgoing connection gets by chance.
pub(super) fn lasting<const MANY: usize>() -> Option<[u16; MANY]> {
    let range = fs::read_to_string(EPHEMERAL).unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|first| first.parse().ok());
    let end = first.filter(|first| *first > FIRST).unwrap_or(EPHEMERAL_FIRST);
    let many = u32::from(end - FIRST);
    // Another bench at the same time begins elsewhere.
    let start = std::process::id().wrapping_mul(7919) % many;
    let ports = (0..many).filter_map(|n| Some(FIRST + u16::try_from((start + n) % many).ok()?));
    let free: Vec<u16> =
        ports.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).take(MANY).collect();
    free.try_into().ok()
}
