//! A connection on which anything can be sent.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::Gateway;

/// Whoever hangs for so long has failed.
const HANGS: Duration = Duration::from_mins(2);

pub struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The error's code, of an answer that is in the envelope.
    pub fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(body["error"]["request_id"], self.header("x-request-id"));
        assert!(!self.header("x-request-id").is_empty());
        body["error"]["code"].as_str().unwrap().to_owned()
    }
}

impl Raw {
    pub async fn to(gateway: &Gateway) -> Self {
        Self::from("127.0.0.1", gateway).await
    }

    /// From this address.
    pub async fn from(own: &str, gateway: &Gateway) -> Self {
        let address: SocketAddr = gateway.base.trim_start_matches("http://").parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(own.parse().unwrap(), 0)).unwrap();
        let stream = timeout(HANGS, socket.connect(address)).await.unwrap().unwrap();
        Self { stream, read: Vec::new() }
    }

    /// Sends all of it; false when the other side does not listen any more.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        timeout(HANGS, self.stream.write_all(bytes.as_ref())).await.unwrap().is_ok()
    }

    /// The next answer; none when the connection ends without one.
    pub async fn answer(&mut self) -> Option<Answer> {
        let head_end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head = String::from_utf8(self.read.drain(..head_end).collect()).unwrap();
        let mut lines = head.trim_end().lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, value)| value.parse().unwrap());
        while self.read.len() < length {
            assert!(self.more().await, "the body is cut off");
        }
        Some(Answer { status, headers, body: self.read.drain(..length).collect() })
    }

    /// Whether there is nothing more to read, now or later.
    pub async fn is_over(&mut self) -> bool {
        self.read.is_empty() && !self.more().await
    }

    /// Reads on; false at the end, be it a proper one or not.
    async fn more(&mut self) -> bool {
        let mut bytes = vec![0; 64 * 1024];
        let read = timeout(HANGS, self.stream.read(&mut bytes)).await.unwrap().unwrap_or_default();
        self.read.extend_from_slice(&bytes[..read]);
        read > 0
    }

    /// Sends it one after the other with a second between, until the other side does not listen any more.
    pub async fn drip(&mut self, drops: impl IntoIterator<Item = &'static str>) {
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        for drop in drops {
            tick.tick().await;
            if self.stream.write_all(drop.as_bytes()).await.is_err() {
                return;
            }
            let mut bytes = [0; 4096];
            match self.stream.try_read(&mut bytes) {
                Ok(0) => return,
                Ok(read) => self.read.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// A request without a body.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// Memory that this process has, bytes.
pub fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
