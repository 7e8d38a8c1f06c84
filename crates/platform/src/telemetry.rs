//! Logs and traces: what a process says about itself.

pub mod trace_context;

use std::io::IsTerminal;

use anyhow::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// Settings of logs and traces.
#[derive(Debug, Clone, clap::Args)]
pub struct TelemetryConfig {
    /// What is logged: a level, or directives such as `info,bus=debug`
    #[arg(
        long,
        env = "TURNLOOM_LOG",
        default_value = "info,actix_server=warn,async_nats=warn,tokio_postgres=warn"
    )]
    pub log: String,
    /// How it is written
    #[arg(long, env = "TURNLOOM_LOG_FORMAT", value_enum, default_value_t = LogFormat::Auto)]
    pub log_format: LogFormat,
    /// Where traces go: an OTLP endpoint over HTTP, such as <http://127.0.0.1:4318>; none unless set
    #[arg(long, env = "TURNLOOM_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere
    Auto,
    /// One JSON object a line
    Json,
    /// For people
    Pretty,
}

/// Keeps telemetry running; shut it down last.
#[derive(Debug)]
pub struct TelemetryGuard {
    traces: Option<SdkTracerProvider>,
}

/// Starts logging, and exporting traces when there is an endpoint.
///
/// # Errors
/// When the log directives or the endpoint make no sense, or logging was started before.
pub fn init(service: &'static str, config: &TelemetryConfig) -> anyhow::Result<TelemetryGuard> {
    let filter = EnvFilter::try_new(&config.log)
        .with_context(|| format!("--log: `{}` is not a list of log directives", config.log))?;
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let traces = config.otlp_endpoint.as_deref().map(|endpoint| tracer(service, endpoint)).transpose()?;
    let export =
        traces.as_ref().map(|traces| tracing_opentelemetry::layer().with_tracer(traces.tracer(service)));
    let json = match config.log_format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Pretty => false,
    };
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if json { lines.json().boxed() } else { lines.compact().with_target(false).boxed() };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(export)
        .try_init()
        .context("logging was started before")?;
    Ok(TelemetryGuard { traces })
}

fn tracer(service: &'static str, endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    // The exporter's client needs a TLS provider; another one that is installed does as well.
    rustls::crypto::ring::default_provider().install_default().ok();
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .with_context(|| format!("--otlp-endpoint: `{endpoint}` cannot be used"))?;
    Ok(SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name(service).build())
        .with_batch_exporter(exporter)
        .build())
}

impl TelemetryGuard {
    /// Sends what is left. The exporter blocks, so it does on a thread of its own.
    pub async fn shutdown(self) {
        if let Some(traces) = self.traces {
            let ended = tokio::task::spawn_blocking(move || traces.shutdown()).await;
            if !matches!(ended, Ok(Ok(()))) {
                tracing::warn!("some traces were not exported");
            }
        }
    }
}
