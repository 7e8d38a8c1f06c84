//! Takes the port.

use std::io;
use std::net::{SocketAddr, TcpListener};

use tokio::net::TcpSocket;

/// Connections that the kernel keeps until they are accepted: a burst of them must not make others' wait for a second
/// try.
const BACKLOG: u32 = 4096;

/// Listens. Must be called within a runtime.
///
/// # Errors
/// When the port cannot be had.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}
