//! Hears everything that goes over the bus, by the bus's own protocol and no client.

use std::sync::{Arc, Mutex, PoisonError};

use fault_suite::failure::{Failure, io_error};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::files;

/// Bytes that are kept at most.
const BYTES_MAX: usize = 256 << 20;

/// All bytes that were heard. It ends with this value.
#[derive(Debug)]
pub struct Wiretap {
    heard: Arc<Mutex<Vec<u8>>>,
    hearing: JoinHandle<()>,
}

impl Drop for Wiretap {
    fn drop(&mut self) {
        self.hearing.abort();
    }
}

impl Wiretap {
    /// Begins to hear the broker of this address, `nats://[user:password@]host:port`.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn start(url: &str) -> Result<Self, Failure> {
        let address = url.trim_start_matches("nats://");
        let (user, address) = address.rsplit_once('@').unwrap_or(("", address));
        let credentials = user
            .split_once(':')
            .map_or(String::new(), |(user, password)| format!(r#","user":"{user}","pass":"{password}""#));
        let stream = TcpStream::connect(address).await.map_err(io_error("the bus cannot be reached"))?;
        let (mut reader, mut writer) = stream.into_split();
        let hello = format!("CONNECT {{\"verbose\":false{credentials}}}\r\nSUB > 1\r\nPING\r\n");
        writer.write_all(hello.as_bytes()).await.map_err(io_error("the bus does not listen"))?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        let hearing = tokio::spawn(async move {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = reader.read(&mut buffer).await {
                let bytes = buffer.get(..read).unwrap_or_default();
                // The broker asks now and then whether anybody is there.
                if files::holds(bytes, b"PING\r\n") && writer.write_all(b"PONG\r\n").await.is_err() {
                    return;
                }
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() < BYTES_MAX {
                    kept.extend_from_slice(bytes);
                }
            }
        });
        Ok(Self { heard, hearing })
    }

    /// How many bytes were heard.
    pub fn bytes(&self) -> usize {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether this text was heard.
    pub fn heard(&self, text: &str) -> bool {
        files::holds(&self.heard.lock().unwrap_or_else(PoisonError::into_inner), text.as_bytes())
    }
}
