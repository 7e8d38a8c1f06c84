//! A bare HTTP/1.1 client: one connection that is kept, one request at a time, no copies.
//!
//! The load generator shares two cores with the product, so it must cost as little as can be. It reads what the
//! gateway and actix send: answers with a `content-length`.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Headers of an answer at most.
const HEADERS_MAX: usize = 32;
/// An answer that takes longer never comes: above what a caller may wait for an execution.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(45);
/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;

/// Where the product is, and who asks.
#[derive(Debug, Clone)]
pub struct Target {
    /// The address.
    pub address: SocketAddr,
    /// The API key.
    pub key: String,
}

/// A request, made in one piece of memory that is used again.
#[derive(Debug, Default)]
pub struct Request {
    bytes: Vec<u8>,
    /// What the `Authorization` header and those after it say.
    fixed: Vec<u8>,
}

impl Request {
    /// Requests of this caller; `prefer` is the header of that name, if there is to be one.
    #[must_use]
    pub fn of(target: &Target, prefer: Option<&str>) -> Self {
        let mut fixed = format!("host: {}\r\nauthorization: Bearer {}\r\n", target.address, target.key);
        if let Some(prefer) = prefer {
            fixed.push_str("prefer: ");
            fixed.push_str(prefer);
            fixed.push_str("\r\n");
        }
        Self { bytes: Vec::with_capacity(1024), fixed: fixed.into_bytes() }
    }

    /// Becomes a request without a body.
    pub fn get(&mut self, path: &str) {
        self.begin("GET", path);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Becomes a request with a JSON body.
    pub fn send(&mut self, method: &str, path: &str, body: &[u8]) {
        self.begin(method, path);
        let head = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(body);
    }

    fn begin(&mut self, method: &str, path: &str) {
        self.bytes.clear();
        for part in [method, " ", path, " HTTP/1.1\r\n"] {
            self.bytes.extend_from_slice(part.as_bytes());
        }
        self.bytes.extend_from_slice(&self.fixed);
    }
}

/// A connection; made when it is needed, and again after a failure.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    received: BytesMut,
    /// Bytes of the answer that was given last.
    given: usize,
}

/// Status and place of an answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    status: u16,
    body_at: usize,
    body_bytes: usize,
    closes: bool,
}

impl Connection {
    /// Not connected yet.
    #[must_use]
    pub fn to(address: SocketAddr) -> Self {
        Self { address, stream: None, received: BytesMut::with_capacity(READ_BYTES), given: 0 }
    }

    /// Sends a request and gives the answer's status and body.
    ///
    /// # Errors
    /// When there is no connection, it breaks, what comes is not understood, or nothing comes in time. Then it is not
    /// known whether the request was taken.
    pub async fn exchange(&mut self, request: &Request) -> io::Result<(u16, &[u8])> {
        match tokio::time::timeout(ANSWER_DEADLINE, self.try_exchange(request)).await {
            Ok(Ok(head)) => {
                if head.closes {
                    self.stream = None;
                }
                let body = self.received.get(head.body_at..head.body_at + head.body_bytes);
                Ok((head.status, body.unwrap_or_default()))
            }
            Ok(Err(error)) => {
                self.stream = None;
                Err(error)
            }
            Err(_) => {
                self.stream = None;
                Err(ErrorKind::TimedOut.into())
            }
        }
    }

    async fn try_exchange(&mut self, request: &Request) -> io::Result<Head> {
        // A server closes connections that were idle for some seconds.
        if self.stream.as_ref().is_some_and(is_closed) {
            self.stream = None;
        }
        let stream = match &mut self.stream {
            Some(stream) => {
                self.received.advance(self.given.min(self.received.len()));
                stream
            }
            none => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                self.received.clear();
                none.insert(stream)
            }
        };
        self.given = 0;
        stream.write_all(&request.bytes).await?;
        loop {
            if let Some(head) = head(&self.received)?
                && self.received.len() >= head.body_at + head.body_bytes
            {
                self.given = head.body_at + head.body_bytes;
                return Ok(head);
            }
            self.received.reserve(READ_BYTES);
            if stream.read_buf(&mut self.received).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Whether the other side has closed it, as far as is known here: this asks nobody.
fn is_closed(stream: &TcpStream) -> bool {
    match stream.try_read(&mut [0]) {
        Err(error) => error.kind() != ErrorKind::WouldBlock,
        // The end, or what nobody asked for.
        Ok(_) => true,
    }
}

/// The head of an answer, once all of it is there.
fn head(received: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut headers);
    let not_understood = |why: String| io::Error::new(ErrorKind::InvalidData, why);
    let parsed = answer.parse(received).map_err(|error| not_understood(error.to_string()))?;
    let httparse::Status::Complete(body_at) = parsed else { return Ok(None) };
    let status = answer.code.unwrap_or_default();
    let value = |name: &str| {
        let header = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let body_bytes = match value("content-length") {
        Some(length) => length.trim().parse().map_err(|_| not_understood(format!("a length of {length}")))?,
        None if status == 204 || status == 304 => 0,
        None => return Err(not_understood("an answer without its length".to_owned())),
    };
    let closes = value("connection").is_some_and(|says| says.eq_ignore_ascii_case("close"));
    Ok(Some(Head { status, body_at, body_bytes, closes }))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_head_is_understood_once_it_is_whole() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
        assert_eq!(head(&text[..40]).unwrap(), None);
        let found = head(text).unwrap().unwrap();
        assert_eq!(found, Head { status: 200, body_at: 44, body_bytes: 5, closes: false });
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(head(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap().unwrap().closes);
        assert!(head(b"SSH-2.0\r\n\r\n").is_err());
    }

    #[tokio::test]
    async fn answers_that_come_in_pieces_and_side_by_side_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = [0_u8; 1024];
            for pieces in [
                ["HTTP/1.1 200 OK\r\ncontent-le", "ngth: 3\r\n\r\none"],
                ["HTTP/1.1 404 No\r\n", "content-length: 0\r\n\r\n"],
            ] {
                assert!(stream.read(&mut read).await.unwrap() > 0);
                for piece in pieces {
                    stream.write_all(piece.as_bytes()).await.unwrap();
                    stream.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut request = Request::of(&Target { address, key: "k".to_owned() }, Some("wait=1"));
        request.send("POST", "/x", b"{}");
        assert!(
            request.bytes.ends_with(
                b"prefer: wait=1\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
            )
        );
        let mut connection = Connection::to(address);
        assert_eq!(connection.exchange(&request).await.unwrap(), (200, b"one".as_slice()));
        request.get("/y");
        assert_eq!(connection.exchange(&request).await.unwrap(), (404, b"".as_slice()));
        server.await.unwrap();
        assert!(connection.exchange(&request).await.is_err());
    }
}
