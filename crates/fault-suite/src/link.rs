//! A link between two processes that can be cut: a TCP proxy of one service's own.
//!
//! A cut link takes nothing on and loses nothing: TCP sends again what was not taken, so when the cut is short the
//! connection goes on where it stopped, and when it is long one end has given up meanwhile. That is what a cut cable does.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::failure::{Failure, io_error};

/// Bytes taken on at once.
const BUFFER_BYTES: usize = 16 * 1024;

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Carries everything.
    Whole,
    /// Carries nothing.
    Cut,
    /// Carries nothing from the service to the server.
    DeafServer,
    /// Carries nothing from the server to the service.
    DeafService,
    /// Carries everything, so many milliseconds late, one piece after the other.
    Slow(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToService,
}

impl Mode {
    fn carries(self, direction: Direction) -> bool {
        match self {
            Self::Whole | Self::Slow(_) => true,
            Self::Cut => false,
            Self::DeafServer => direction == Direction::ToService,
            Self::DeafService => direction == Direction::ToServer,
        }
    }
}

/// One link. It ends with this value.
#[derive(Debug)]
pub struct Link {
    port: u16,
    mode: watch::Sender<Mode>,
    accepting: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Link {
    /// Opens a link to the server of this address, on a port that stays as long as the link.
    ///
    /// # Errors
    /// When no port is free, or the address names none.
    pub async fn open(url: &str) -> Result<Self, Failure> {
        let server =
            port_of(url).ok_or_else(|| Failure::Impossible("an address names no port".to_owned()))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(io_error("a link's port"))?;
        let port = listener.local_addr().map_err(io_error("a link's port"))?.port();
        let (mode, seen) = watch::channel(Mode::Whole);
        let accepting = tokio::spawn(async move {
            // Connections end with their link: the mode's sender is gone then.
            while let Ok((service, _)) = listener.accept().await {
                tokio::spawn(carry(service, server, seen.clone()));
            }
        });
        Ok(Self { port, mode, accepting })
    }

    /// The server's address over this link.
    pub fn url(&self, server: &str) -> String {
        let port = port_of(server).map(|port| format!(":{port}"));
        match port.and_then(|port| server.rsplit_once(&port)) {
            Some((before, after)) => format!("{before}:{}{after}", self.port),
            None => server.to_owned(),
        }
    }

    /// Changes what the link does.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

/// The port in an address such as `scheme://user:password@host:port/path`.
fn port_of(url: &str) -> Option<u16> {
    let after = url.rsplit(':').next()?;
    after.split('/').next()?.parse().ok()
}

async fn carry(service: TcpStream, server: u16, mut mode: watch::Receiver<Mode>) {
    // Who connects over a cut link hears nothing until it is whole.
    if mode.wait_for(|mode| mode.carries(Direction::ToServer)).await.is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    server.set_nodelay(true).ok();
    service.set_nodelay(true).ok();
    let (from_service, to_service) = service.into_split();
    let (from_server, to_server) = server.into_split();
    let up = pump(from_service, to_server, Direction::ToServer, mode.clone());
    let down = pump(from_server, to_service, Direction::ToService, mode);
    // One end that is closed closes the other.
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    mut mode: watch::Receiver<Mode>,
) {
    let mut buffer = vec![0_u8; BUFFER_BYTES];
    loop {
        let Ok(bytes) = from.read(&mut buffer).await else { return };
        let Ok(now) = mode.wait_for(|mode| mode.carries(direction)).await.map(|mode| *mode) else { return };
        if let Mode::Slow(delay_ms) = now {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        }
        let piece = buffer.get(..bytes).unwrap_or_default();
        if piece.is_empty() || to.write_all(piece).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_over_a_link_differs_in_its_port_only() {
        assert_eq!(port_of("nats://127.0.0.1:4222"), Some(4222));
        assert_eq!(port_of("postgres://turnloom:5432ab@127.0.0.1:5432/turnloom"), Some(5432));
    }
}
