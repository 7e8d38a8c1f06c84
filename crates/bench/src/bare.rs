//! A bare actix handler: the least that an answer over HTTP can cost here.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;

use actix_web::dev::ServerHandle;
use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use bytes::Bytes;

/// Threads that serve: as many as the gateway has.
const WORKERS: usize = 2;

/// A server on a thread of its own; it ends when this is dropped.
pub struct Bare {
    /// Where it is.
    pub address: SocketAddr,
    handle: ServerHandle,
}

impl Bare {
    /// Answers every request with this JSON.
    ///
    /// # Errors
    /// When there is no port or no thread for it.
    pub fn serve(body: Bytes) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
        let address = listener.local_addr()?;
        let (told, handle) = mpsc::channel();
        thread::Builder::new().name("bare".to_owned()).spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    let body = body.clone();
                    let answer = move || {
                        let body = body.clone();
                        async move { HttpResponse::Ok().content_type(ContentType::json()).body(body) }
                    };
                    App::new().default_service(web::to(answer))
                });
                let server = server.workers(WORKERS).disable_signals().listen(listener)?.run();
                told.send(server.handle()).ok();
                server.await
            })
        })?;
        let handle = handle.recv().context("the bare server does not start")?;
        Ok(Self { address, handle })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // The stop is told at once; what is given back only waits for the end.
        drop(self.handle.stop(false));
    }
}
