//! A system that is not ours: an HTTP server that answers as a test says, badly too, and remembers what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::rt::task::yield_now;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures::{StreamExt, stream};
use serde_json::Value;
use tokio::sync::Semaphore;

/// Bytes of a request at most.
const REQUEST_BYTES_MAX: usize = 16 << 20;
/// Bytes of a piece of an endless answer, about.
const PIECE_BYTES: usize = 16 << 10;

/// What the server was asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Empty when there is none.
    pub query: String,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as a text.
    pub text: String,
    /// The body as JSON; `null` when it is none.
    pub body: Value,
}

/// What the server answers.
#[derive(Debug, Clone)]
pub enum Reply {
    /// An answer.
    Whole {
        /// Its status.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// Its body.
        body: Vec<u8>,
    },
    /// An answer in pieces, without a length.
    Pieces {
        /// Names and values.
        headers: Vec<(String, String)>,
        /// One after the other.
        pieces: Vec<Vec<u8>>,
    },
    /// The same piece for ever.
    Endless {
        /// Names and values.
        headers: Vec<(String, String)>,
        /// Again and again.
        piece: Vec<u8>,
    },
    /// The beginning of an answer, then the connection is closed.
    Cut {
        /// Names and values.
        headers: Vec<(String, String)>,
        /// What comes before.
        begin: Vec<u8>,
    },
    /// That answer, when the test says [`FakeServer::release`].
    Held(Box<Reply>),
    /// That answer, so much later.
    Late(Duration, Box<Reply>),
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    /// A text of this type.
    pub fn text(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Whole { status, headers: vec![("content-type".to_owned(), kind.to_owned())], body: body.into() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers().push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same, when the test says [`FakeServer::release`].
    #[must_use]
    pub fn held(self) -> Self {
        Self::Held(Box::new(self))
    }

    /// The same, so much later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self::Late(wait, Box::new(self))
    }

    fn headers(&mut self) -> &mut Vec<(String, String)> {
        match self {
            Self::Whole { headers, .. }
            | Self::Pieces { headers, .. }
            | Self::Endless { headers, .. }
            | Self::Cut { headers, .. } => headers,
            Self::Held(reply) | Self::Late(_, reply) => reply.headers(),
        }
    }
}

type Answers = dyn Fn(&Request) -> Reply + Send + Sync;

struct Shared {
    next: Mutex<VecDeque<Reply>>,
    always: Box<Answers>,
    requests: Mutex<Vec<Request>>,
    permits: Semaphore,
}

/// The server, on a loopback port of its own. It goes away with this value.
pub struct FakeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    handle: ServerHandle,
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        // Asked for at once; nobody waits for it.
        drop(self.handle.stop(false));
    }
}

impl FakeServer {
    /// Answers whatever `always` says, unless the test has said something else with [`FakeServer::next`].
    pub fn start(always: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::on("127.0.0.1", always)
    }

    /// The same on another address of this machine.
    ///
    /// # Panics
    /// When it cannot be listened on.
    pub fn on(address: &str, always: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            next: Mutex::default(),
            always: Box::new(always),
            requests: Mutex::default(),
            permits: Semaphore::new(0),
        });
        let data = Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(PayloadConfig::new(REQUEST_BYTES_MAX))
                .default_service(web::to(answer))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(0)
        .client_request_timeout(Duration::ZERO)
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, shared, handle }
    }

    /// Where it is, such as `http://127.0.0.1:4711`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers the next request that has not been given an answer in this way.
    pub fn next(&self, reply: Reply) {
        locked(&self.shared.next).push_back(reply);
    }

    /// Lets one held answer go.
    pub fn release(&self) {
        self.shared.permits.add_permits(1);
    }

    /// What it was asked, in order; a request counts from when it was read, before it is answered.
    pub fn requests(&self) -> Vec<Request> {
        locked(&self.shared.requests).clone()
    }
}

/// Nothing here is left half done by a test that fails.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(request: HttpRequest, body: Bytes, shared: Data<Shared>) -> HttpResponse {
    let text = String::from_utf8_lossy(&body).into_owned();
    let headers = request.headers().iter();
    let asked = Request {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    };
    locked(&shared.requests).push(asked.clone());
    let next = locked(&shared.next).pop_front();
    let mut reply = next.unwrap_or_else(|| (shared.always)(&asked));
    loop {
        reply = match reply {
            Reply::Held(held) => {
                shared.permits.acquire().await.unwrap().forget();
                *held
            }
            Reply::Late(wait, late) => {
                tokio::time::sleep(wait).await;
                *late
            }
            ready => return respond(ready),
        };
    }
}

fn respond(reply: Reply) -> HttpResponse {
    match reply {
        Reply::Whole { status, headers, body } => {
            with_headers(StatusCode::from_u16(status).unwrap(), headers).body(body)
        }
        Reply::Pieces { headers, pieces } => {
            let pieces = stream::iter(pieces).then(|piece| async {
                // So that each is sent on its own.
                yield_now().await;
                Ok::<_, actix_web::Error>(Bytes::from(piece))
            });
            with_headers(StatusCode::OK, headers).streaming(pieces)
        }
        Reply::Endless { headers, piece } => {
            let piece = Bytes::from(piece.repeat(PIECE_BYTES.div_ceil(piece.len().max(1))));
            let pieces = stream::repeat_with(move || Ok::<_, actix_web::Error>(piece.clone()));
            with_headers(StatusCode::OK, headers).streaming(pieces)
        }
        Reply::Cut { headers, begin } => {
            let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            let pieces = stream::iter([Ok(Bytes::from(begin)), Err(cut)]).then(|piece| async {
                yield_now().await;
                piece
            });
            with_headers(StatusCode::OK, headers).streaming(pieces)
        }
        Reply::Held(reply) | Reply::Late(_, reply) => respond(*reply),
    }
}

fn with_headers(status: StatusCode, headers: Vec<(String, String)>) -> actix_web::HttpResponseBuilder {
    let mut builder = HttpResponse::build(status);
    for header in headers {
        builder.append_header(header);
    }
    builder
}
