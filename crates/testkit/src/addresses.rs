//! Addresses that nobody outside may have called, and who listens there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

/// Hosts that are this machine, or one behind the firewall, in the spellings that somebody understands.
pub const NOT_PUBLIC: [&str; 36] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7F.1",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0.01",
    "0",
    "0.0.0.0",
    "0x0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "any.localhost",
    "127.0.0.1.",
    "127。0。0。1",
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
    "%31%32%37.0.0.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:0.0.0.0]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "169.254.169.254",
    "[fe80::1]",
    "[fd00:ec2::254]",
];

/// Addresses of this machine that it listens on.
const LISTENS_ON: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
    IpAddr::V4(Ipv4Addr::new(127, 255, 255, 254)),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Listens where nobody may come: on loopback addresses of both families, with one port.
#[derive(Debug)]
pub struct Canary {
    listeners: Vec<TcpListener>,
}

impl Canary {
    /// Begins to listen.
    ///
    /// # Panics
    /// When it cannot.
    #[must_use]
    pub fn start() -> Self {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        // Where this machine has no such address, or somebody else is, nobody can come to this one.
        let others = LISTENS_ON.into_iter().skip(1).filter_map(|ip| TcpListener::bind((ip, port)).ok());
        Self { listeners: std::iter::once(first).chain(others).collect() }
    }

    /// Its port.
    ///
    /// # Panics
    /// When it does not listen any more.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listeners.first().unwrap().local_addr().unwrap().port()
    }

    /// How many have come since this was asked last. Connections wait in the order in which they came, so those before its own
    /// are all there were.
    ///
    /// # Panics
    /// When it cannot be called.
    #[must_use]
    pub fn visitors(&self) -> usize {
        self.listeners.iter().map(before_own).sum()
    }
}

fn before_own(listener: &TcpListener) -> usize {
    let own = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let own: SocketAddr = own.local_addr().unwrap();
    std::iter::repeat_with(|| listener.accept().unwrap().1).take_while(|who| *who != own).count()
}
