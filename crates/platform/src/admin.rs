//! The admin port: `/livez`, `/readyz`, `/metrics`, `/version`. For operators only; not the public API.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::middleware::DefaultHeaders;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;

use crate::health::Health;
use crate::lifecycle::Shutdown;

/// Connections at once; others wait.
const CONNECTIONS_MAX: usize = 256;
/// A connection's first request must be there within this time.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// An idle connection is closed after this; longer than those who scrape metrics usually wait.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// As on the public API: answers are data.
const HEADERS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cache-control", "no-store"),
];

/// Settings of the admin port.
#[derive(Debug, Clone, clap::Args)]
pub struct AdminConfig {
    /// Where health and metrics are served; port 0 takes a free one
    #[arg(long, env = "TURNLOOM_ADMIN_LISTEN", default_value = "127.0.0.1:0")]
    pub admin_listen: SocketAddr,
}

/// The admin server, bound but not serving yet.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    address: SocketAddr,
    health: Health,
    metrics: PrometheusHandle,
    service: &'static str,
}

impl Admin {
    /// Takes the port.
    ///
    /// # Errors
    /// When it is taken, or metrics cannot be recorded.
    pub fn bind(config: &AdminConfig, health: Health, service: &'static str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(config.admin_listen)
            .with_context(|| format!("--admin-listen: cannot listen on {}", config.admin_listen))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, health, metrics: crate::metrics::install()?, service })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the stop is asked for.
    ///
    /// # Errors
    /// When serving fails.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let Self { listener, health, metrics, service, .. } = self;
        let upkeep = metrics.clone();
        let server = HttpServer::new(move || {
            let headers = HEADERS.into_iter().fold(DefaultHeaders::new(), DefaultHeaders::add);
            App::new()
                .wrap(headers)
                .app_data(web::Data::new(health.clone()))
                .app_data(web::Data::new(metrics.clone()))
                .route("/livez", web::get().to(HttpResponse::Ok))
                .route("/readyz", web::get().to(readyz))
                .route("/metrics", web::get().to(render))
                .route("/version", web::get().to(move || version(service)))
        })
        .workers(1)
        .max_connections(CONNECTIONS_MAX)
        .client_request_timeout(HEAD_DEADLINE)
        .keep_alive(KEEP_ALIVE)
        .disable_signals()
        .shutdown_timeout(1)
        .listen(listener)?
        .run();
        let handle = server.handle();
        let serving = tokio::spawn(server);
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        loop {
            tokio::select! {
                // Folds recorded samples, so that memory stays flat when nobody scrapes.
                _ = tick.tick() => upkeep.run_upkeep(),
                () = shutdown.requested() => break,
            }
        }
        handle.stop(true).await;
        serving.await??;
        Ok(())
    }
}

async fn readyz(health: web::Data<Health>) -> HttpResponse {
    let failures = health.failures().await;
    if failures.is_empty() {
        return HttpResponse::Ok().json(json!({"status": "ready"}));
    }
    let failing: Vec<_> =
        failures.into_iter().map(|(name, error)| json!({"name": name, "error": error})).collect();
    HttpResponse::ServiceUnavailable().json(json!({"status": "not ready", "failing": failing}))
}

async fn render(metrics: web::Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(metrics.render())
}

fn version(service: &'static str) -> std::future::Ready<HttpResponse> {
    let answer = HttpResponse::Ok().json(json!({"service": service, "version": env!("CARGO_PKG_VERSION")}));
    std::future::ready(answer)
}
