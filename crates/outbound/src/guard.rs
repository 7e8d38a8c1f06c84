//! Keeps workflows from reaching what lies behind the firewall (server-side request forgery).
//!
//! A URL is read as the client reads it, so an address in any spelling is looked at as the number that it is. A name is
//! resolved here and only here: the addresses that were let through are those that the client connects to, so a name
//! that means something else a moment later gains nothing. An address that the URL itself spells never comes to a
//! resolver, and is looked at before the call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::config::OutboundConfig;
use crate::networks::{is_public, meant};

/// Bytes of a URL at most.
const URL_BYTES_MAX: usize = 8 * 1024;
/// Addresses of a name that are tried at most.
const ADDRESSES_MAX: usize = 16;

/// Why a URL is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be read.
    #[error("The URL cannot be read")]
    Unreadable,
    /// It is too long.
    #[error("The URL is longer than {URL_BYTES_MAX} bytes")]
    TooLong,
    /// It is not one of HTTP.
    #[error("The URL is neither http nor https")]
    OtherScheme,
    /// It holds a user or a password.
    #[error("The URL holds a user or a password: send them in a header")]
    Credentials,
    /// It leads to an address that is not public.
    #[error(transparent)]
    Blocked(#[from] Blocked),
}

/// An address that is neither public nor allowed by the operator. It says no more, so that nobody can explore a network by
/// asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The URL leads to an address that is not public and that this installation does not allow")]
pub struct Blocked;

/// Says which addresses may be called. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Guard {
    allowed: Arc<[IpNet]>,
}

impl Guard {
    /// Lets public addresses through, and those that the operator has named.
    #[must_use]
    pub fn new(config: &OutboundConfig) -> Self {
        Self { allowed: config.outbound_allow.clone().into() }
    }

    /// Whether this address may be called.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let meant = meant(address);
        is_public(address) || self.allowed.iter().any(|network| network.contains(&meant))
    }

    /// The URL, if it may be called as far as can be said without resolving its name.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn check(&self, text: &str) -> Result<Url, Refused> {
        if text.len() > URL_BYTES_MAX {
            return Err(Refused::TooLong);
        }
        let url = Url::parse(text).map_err(|_| Refused::Unreadable)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::OtherScheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let permitted = match url.host().ok_or(Refused::Unreadable)? {
            Host::Domain(name) if is_this_machine(name) => {
                self.permits(Ipv4Addr::LOCALHOST.into()) || self.permits(Ipv6Addr::LOCALHOST.into())
            }
            // Its addresses are looked at when it is resolved.
            Host::Domain(_) => true,
            Host::Ipv4(address) => self.permits(address.into()),
            Host::Ipv6(address) => self.permits(address.into()),
        };
        if permitted { Ok(url) } else { Err(Blocked.into()) }
    }

    /// Those of a name's addresses that may be called.
    fn let_through(&self, addresses: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, Blocked> {
        let found: Vec<SocketAddr> =
            addresses.filter(|address| self.permits(address.ip())).take(ADDRESSES_MAX).collect();
        if found.is_empty() { Err(Blocked) } else { Ok(found) }
    }
}

/// Names that mean this machine whatever a resolver says (RFC 6761 §6.3). Some resolvers do not know all of them.
fn is_this_machine(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            // Port 0: the client puts the URL's own in its place.
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(guard.let_through(addresses)?.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allowed: &[&str]) -> Guard {
        let outbound_allow = allowed.iter().map(|network| network.parse().unwrap()).collect();
        Guard::new(&OutboundConfig { outbound_allow })
    }

    #[test]
    fn urls_that_are_not_plain_http_are_refused() {
        let guard = guard(&["0.0.0.0/0", "::/0"]);
        for (url, why) in [
            ("", Refused::Unreadable),
            ("example.com", Refused::Unreadable),
            ("//example.com/", Refused::Unreadable),
            ("http://", Refused::Unreadable),
            ("http://a b/", Refused::Unreadable),
            ("http://[::1/", Refused::Unreadable),
            ("http://1.2.3.4.5/", Refused::Unreadable),
            ("file:///etc/passwd", Refused::OtherScheme),
            ("ftp://example.com/", Refused::OtherScheme),
            ("gopher://example.com/", Refused::OtherScheme),
            ("unix:/run/docker.sock", Refused::OtherScheme),
            ("data:text/plain,x", Refused::OtherScheme),
            ("http://user@example.com/", Refused::Credentials),
            ("http://:password@example.com/", Refused::Credentials),
        ] {
            assert_eq!(guard.check(url), Err(why), "{url}");
        }
        assert_eq!(guard.check(&format!("http://example.com/{}", "x".repeat(9000))), Err(Refused::TooLong));
        assert_eq!(guard.check("HTTPS://Example.com/a?b#c").unwrap().host_str(), Some("example.com"));
    }

    #[test]
    fn an_allowed_network_is_let_through_in_every_spelling_and_nothing_else_is() {
        let guard = guard(&["10.0.0.0/8", "fd00::/16"]);
        for url in ["http://10.1.2.3/", "http://167838211/", "http://[::ffff:10.1.2.3]/", "http://[fd00::1]/"]
        {
            assert!(guard.check(url).is_ok(), "{url}");
        }
        for url in ["http://127.0.0.1/", "http://192.168.0.1/", "http://[fd01::1]/", "http://[::1]/"] {
            assert_eq!(guard.check(url), Err(Blocked.into()), "{url}");
        }
    }

    #[test]
    fn this_machine_has_names_that_need_no_resolver() {
        for host in ["localhost", "LOCALHOST.", "a.localhost", "a.b.localhost.", "localhost.."] {
            assert_eq!(guard(&[]).check(&format!("http://{host}/")), Err(Blocked.into()), "{host}");
            assert!(guard(&["127.0.0.0/8"]).check(&format!("http://{host}/")).is_ok(), "{host}");
        }
        assert!(guard(&[]).check("http://mylocalhost/").is_ok());
    }

    #[test]
    fn of_a_name_only_those_addresses_are_tried_that_may_be_called() {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect()
        };
        let guard = guard(&[]);
        let mixed = addresses(&["127.0.0.1", "1.1.1.1", "::1", "10.0.0.1", "2606:4700::1"]);
        assert_eq!(guard.let_through(mixed.into_iter()), Ok(addresses(&["1.1.1.1", "2606:4700::1"])));
        assert_eq!(guard.let_through(addresses(&["127.0.0.1", "fe80::1"]).into_iter()), Err(Blocked));
        let many = addresses(&["1.1.1.1"; 40]);
        assert_eq!(guard.let_through(many.into_iter()).map(|found| found.len()), Ok(ADDRESSES_MAX));
    }
}
