//! Where a request comes from.
//!
//! The address of the connection, since anybody can write a header. Only what a proxy that the operator named has
//! written into `X-Forwarded-For` is believed: read from the right, where the nearest proxy writes, up to the first address that is
//! no such proxy.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// Where proxies write for whom they speak.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of whoever sent a request; none when the connection has no address.
pub(super) fn address(request: &HttpRequest, proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    Some(sender(peer, request.headers(), proxies))
}

fn sender(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.contains(&address));
    let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).filter_map(|line| line.to_str().ok()).collect();
    let mut sender = peer;
    for named in lines.iter().flat_map(|line| line.split(',')).rev() {
        if !is_proxy(sender) {
            break;
        }
        // What is no address was not written by one of our proxies.
        let Some(address) = read(named.trim()) else { break };
        sender = address;
    }
    sender
}

/// An address, which may have a port behind it, and brackets around it.
fn read(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn sender_of(peer: &str, lines: &[&'static str], proxies: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HeaderName::from_static(FORWARDED_FOR), HeaderValue::from_static(line));
        }
        let proxies: Vec<IpNet> = proxies.iter().map(|network| network.parse().unwrap()).collect();
        sender(peer.parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn a_header_is_believed_as_far_as_our_proxies_wrote_it() {
        let ours = ["10.0.0.0/8", "fd00::/8"];
        for (peer, lines, proxies, expected) in [
            ("192.0.2.1", &["198.51.100.7"][..], &[][..], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.7"], &ours, "192.0.2.1"),
            ("10.0.0.1", &[], &ours, "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], &ours, "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7"], &ours, "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.7, 10.0.0.2"], &ours, "198.51.100.7"),
            ("10.0.0.1", &["10.0.0.3,10.0.0.2"], &ours, "10.0.0.3"),
            ("10.0.0.1", &["203.0.113.9, unknown"], &ours, "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7:4711"], &ours, "198.51.100.7"),
            ("fd00::1", &["[2001:db8::7]:4711"], &ours, "2001:db8::7"),
            ("fd00::1", &["[2001:db8::7]"], &ours, "2001:db8::7"),
            ("10.0.0.1", &["::ffff:198.51.100.7"], &ours, "198.51.100.7"),
        ] {
            assert_eq!(sender_of(peer, lines, proxies), expected, "{peer} {lines:?}");
        }
    }
}
