//! Serves the API behind the door and the guard.

use std::fmt::Debug;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpServiceBuilder, Request, Response};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Extensions, Server, Service, ServiceFactory};
use futures::future::ready;
use platform::descriptors;
use tokio::net::TcpStream;

use super::door::Door;
use super::guarded::{Guarded, Rules};

/// An idle connection is closed after this.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Who sends on after the answer is listened to for so long, so that the answer is not lost.
const LINGER: Duration = Duration::from_secs(1);
/// Above the door's own, which sends away whoever comes too much: the framework would let them wait.
const WORKER_SPARE: usize = 1024;

/// How it is served.
#[derive(Debug, Clone)]
pub(crate) struct Serving {
    /// Threads.
    pub workers: usize,
    /// Connections in all at most.
    pub connections_max: usize,
    /// Seconds that requests under way have to end when it stops.
    pub drain_seconds: u64,
    /// What each connection is held to.
    pub rules: Rules,
}

/// Serves the application until the server is stopped. `door` opens for so many connections as the process may have.
///
/// # Errors
/// When the port cannot be served.
pub(crate) fn serve<F, I, S, B>(
    listener: TcpListener,
    serving: &Serving,
    door: impl FnOnce(usize) -> Door,
    application: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let connections_max = descriptors::fitting(serving.connections_max);
    let door = Arc::new(door(connections_max));
    let rules = serving.rules;
    let builder = Server::build();
    let stopping = builder.graceful_shutdown_signal();
    let builder = builder
        .workers(serving.workers)
        .max_concurrent_connections(connections_max + WORKER_SPARE)
        .disable_signals()
        .shutdown_timeout(serving.drain_seconds)
        .listen("gateway", listener, move || {
            let (door, stopping) = (Arc::clone(&door), stopping.clone());
            let application =
                application().into_factory().map_err(|error: S::Error| error.into().error_response());
            let http = HttpServiceBuilder::default()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .keep_alive(KEEP_ALIVE)
                // The guard has its own time for heads, for each of a connection and not for the first one only.
                .client_request_timeout(Duration::ZERO)
                .client_disconnect_timeout(LINGER)
                .on_connect_ext(|connection: &Guarded<TcpStream>, data: &mut Extensions| {
                    data.insert(connection.mishap());
                })
                .h1(map_config(application, |()| AppConfig::default()));
            fn_service(move |stream: TcpStream| {
                let peer = stream.peer_addr().ok();
                ready(match door.enter(peer.map(|peer| peer.ip())) {
                    Ok(place) => Ok((Guarded::new(stream, rules, Some(place)), peer)),
                    Err(full) => {
                        metrics::counter!("turnloom_http_connections_refused_total", "full" => full.label())
                            .increment(1);
                        Err(DispatchError::Io(io::ErrorKind::ConnectionRefused.into()))
                    }
                })
            })
            .and_then(http)
        })?;
    Ok(builder.run())
}
