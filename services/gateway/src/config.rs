//! Settings of the gateway: flags and environment, all in `--help`.

use std::net::SocketAddr;
use std::time::Duration;

use bus::BusConfig;
use bus::durability::MonitorConfig;
use clap::{Parser, ValueEnum};
use pg::PgConfig;
use platform::admin::AdminConfig;
use platform::durability::DurabilityConfig;
use platform::telemetry::TelemetryConfig;
use secrecy::SecretString;
use secrets::SecretsConfig;

use crate::intake::Rules;

/// Serves the public API. Any number may run side by side.
#[derive(Debug, Clone, Parser)]
#[command(name = "gateway", version)]
pub struct Config {
    /// Where accounts and keys are kept.
    #[command(flatten)]
    pub database: PgConfig,
    /// How to reach the other services.
    #[command(flatten)]
    pub bus: BusConfig,
    /// Where the broker tells of itself.
    #[command(flatten)]
    pub monitor: MonitorConfig,
    /// What must be so before it starts.
    #[command(flatten)]
    pub durability: DurabilityConfig,
    /// Health and metrics.
    #[command(flatten)]
    pub admin: AdminConfig,
    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    /// What seals secrets.
    #[command(flatten)]
    pub secrets: SecretsConfig,
    /// The gateway's own.
    #[command(flatten)]
    pub gateway: GatewayConfig,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

/// What is the gateway's own.
#[derive(Debug, Clone, clap::Args)]
pub struct GatewayConfig {
    /// Where the API is served; port 0 takes a free one
    #[arg(long, env = "TURNLOOM_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// A full-access key of the account `default`, made when it is not there; none unless set
    #[arg(long, env = "TURNLOOM_BOOTSTRAP_KEY", hide_env_values = true)]
    pub bootstrap_key: Option<SecretString>,
    /// Bytes of a request's body at most
    #[arg(long, env = "TURNLOOM_BODY_BYTES_MAX", default_value_t = 1 << 20,
          value_parser = clap::value_parser!(u32).range(1024..=16 << 20))]
    pub body_bytes_max: u32,
    /// How long a request may take in all, in milliseconds; above the 30 s that a caller may wait for an execution
    #[arg(long, env = "TURNLOOM_REQUEST_TIMEOUT_MS", default_value_t = 40_000,
          value_parser = clap::value_parser!(u64).range(1_000..=600_000))]
    pub request_timeout_ms: u64,
    /// Whether keys are limited in requests per hour (read 1000, write 100, delete 50, execution 500), each gateway for itself
    #[arg(long, env = "TURNLOOM_RATE_LIMITS", default_value = "on")]
    pub rate_limits: Switch,
    /// A partition takes no more messages (503) while its oldest one that is not handled is older than so many seconds
    #[arg(long, env = "TURNLOOM_OLDEST_INPUT_MAX_SECONDS", default_value_t = 600,
          value_parser = clap::value_parser!(u32).range(1..=604_800))]
    pub oldest_input_max_seconds: u32,
    /// Accounts get equal shares while a message that is not handled is older than so many seconds: one that had more than
    /// the others in the last 10 s is refused (503) until they have as much. Each gateway for itself
    #[arg(long, env = "TURNLOOM_FAIR_AFTER_SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(1..=604_800))]
    pub fair_after_seconds: u32,
    /// Live tails of events (`GET /v1/events`) at once; an account has 10 of them at most
    #[arg(long, env = "TURNLOOM_EVENT_TAILS_MAX", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(0..=5_000))]
    pub event_tails_max: u32,
    /// Threads that serve requests
    #[arg(long, env = "TURNLOOM_HTTP_WORKERS", default_value_t = 2,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub http_workers: u16,
}

impl GatewayConfig {
    pub(crate) fn limits_requests(&self) -> bool {
        self.rate_limits == Switch::On
    }

    pub(crate) fn overload_rules(&self) -> Rules {
        let ms = |seconds: u32| i64::from(seconds) * 1000;
        Rules {
            oldest_input_max_ms: ms(self.oldest_input_max_seconds),
            fair_after_ms: ms(self.fair_after_seconds),
        }
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}
