//! HTTP/1.1 as bytes on a socket: what no client sends.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use fault_suite::failure::{Failure, io_error};
use testkit::Api;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Where attackers come from: another address of this machine than that of those who behave, so that what is bounded for each
/// address does not hit both.
pub const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Bytes of an answer that are kept.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// What was heard on a connection.
#[derive(Debug, Default)]
pub struct Heard {
    /// The statuses of all answers, in order.
    pub statuses: Vec<u16>,
    /// All of it.
    pub text: String,
    /// Whether the other side has closed it.
    pub closed: bool,
}

impl Heard {
    /// Whether all answers refuse, and there is one, or the connection was closed without any.
    pub fn refuses(&self) -> bool {
        let refused = self.statuses.iter().all(|status| (400..500).contains(status));
        refused && (self.closed || !self.statuses.is_empty())
    }

    /// As a problem tells it.
    pub fn shown(&self) -> String {
        let text: String = self.text.chars().take(200).collect();
        let closed = if self.closed { "closed" } else { "open" };
        format!("{:?}, {closed}: {}", self.statuses, text.escape_debug())
    }

    fn take(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if self.text.len() + text.len() <= ANSWER_BYTES_MAX {
            self.text.push_str(&text);
        }
        let statuses = self.text.split("HTTP/1.1 ").skip(1).filter_map(|line| line.get(..3)?.parse().ok());
        self.statuses = statuses.collect();
    }
}

/// A connection to a gateway from the attackers' address.
///
/// # Errors
/// When there is none to be had.
pub async fn connect(api: &Api) -> Result<TcpStream, Failure> {
    let failed = || io_error(format!("no connection to {}", api.base()));
    let address: SocketAddr = api
        .base()
        .trim_start_matches("http://")
        .parse()
        .map_err(|_| Failure::broken(format!("{} is no address", api.base())))?;
    let socket = TcpSocket::new_v4().map_err(failed())?;
    socket.bind((ATTACKER, 0).into()).map_err(failed())?;
    let stream = socket.connect(address).await.map_err(failed())?;
    stream.set_nodelay(true).ok();
    Ok(stream)
}

/// Sends bytes and hears until the connection is closed, or nothing more comes for so long.
///
/// # Errors
/// When there is no connection to be had.
pub async fn exchange(api: &Api, bytes: &[u8], quiet: Duration) -> Result<Heard, Failure> {
    let stream = connect(api).await?;
    let (mut reader, mut writer) = stream.into_split();
    let bytes = bytes.to_vec();
    // Who refuses early does not read the rest, so both go on at once.
    let writing = tokio::spawn(async move {
        writer.write_all(&bytes).await.ok();
        writer.flush().await.ok();
        writer
    });
    let heard = hear(&mut reader, quiet).await;
    writing.abort();
    Ok(heard)
}

/// Hears until the connection is closed, or nothing more comes for so long.
pub async fn hear(reader: &mut (impl AsyncReadExt + Unpin), quiet: Duration) -> Heard {
    let mut heard = Heard::default();
    let mut buffer = vec![0_u8; 16 * 1024];
    loop {
        match timeout(quiet, reader.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => {
                heard.closed = true;
                return heard;
            }
            Ok(Ok(read)) => heard.take(buffer.get(..read).unwrap_or_default()),
            Err(_) => return heard,
        }
    }
}

/// The head of a request with these lines besides the usual ones.
pub fn head(api: &Api, method: &str, path: &str, lines: &[&str]) -> String {
    let host = api.base().trim_start_matches("http://");
    let lines = lines.iter().fold(String::new(), |all, line| format!("{all}{line}\r\n"));
    let key = api.key();
    format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n{lines}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_answers_of_a_connection_are_counted() {
        let mut heard = Heard::default();
        heard.take(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\nHTTP/1.1 2");
        heard.take(b"00 OK\r\n\r\n");
        assert_eq!(heard.statuses, [400, 200]);
        assert!(!heard.refuses());
        assert!(Heard { closed: true, ..Heard::default() }.refuses());
        assert!(!Heard::default().refuses());
    }
}
