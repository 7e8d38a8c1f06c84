//! An OTLP collector: what was exported, and what is in it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use prost::Message;

/// `ExportTraceServiceRequest` of OTLP, as far as it is looked at.
#[derive(Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceSpans>,
}

#[derive(Message)]
struct ResourceSpans {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeSpans>,
}

#[derive(Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
}

/// Takes in whatever is posted to it.
pub struct Collector {
    pub port: u16,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let kept = Arc::clone(&heard);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let kept = Arc::clone(&kept);
                thread::spawn(move || {
                    let mut buffer = vec![0; 1 << 20];
                    while let Some(body) = read_request(&mut connection, &mut buffer) {
                        kept.lock().unwrap().push(body);
                        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok();
                    }
                });
            }
        });
        Self { port, heard }
    }

    /// The names of the spans of a trace.
    pub fn spans_of(&self, trace_id: &[u8]) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let exports = heard.iter().map(|body| Export::decode(body.as_slice()).unwrap());
        let scopes = exports.flat_map(|export| export.resources).flat_map(|resource| resource.scopes);
        let spans = scopes.flat_map(|scope| scope.spans).filter(|span| span.trace_id == trace_id);
        spans.map(|span| span.name).collect()
    }
}

/// The body of one HTTP request; none when the connection ends.
fn read_request(connection: &mut impl Read, buffer: &mut [u8]) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    loop {
        let head = read.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&read[..head]).to_lowercase();
            let length: usize =
                text.split("content-length:").nth(1)?.split("\r\n").next()?.trim().parse().ok()?;
            if read.len() >= head + length {
                return Some(read[head..].to_vec());
            }
        }
        let count = connection.read(buffer).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&buffer[..count]);
    }
}
