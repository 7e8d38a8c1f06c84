//! Settings of the metrics aggregator: flags and environment, all in `--help`.

use bus::BusConfig;
use bus::durability::MonitorConfig;
use clap::Parser;
use pg::PgConfig;
use platform::admin::AdminConfig;
use platform::durability::DurabilityConfig;
use platform::keep::Keep;
use platform::telemetry::TelemetryConfig;

/// Folds events into numbers. One is enough; another one takes over when it is gone.
#[derive(Debug, Clone, Parser)]
#[command(name = "metrics-aggregator", version)]
pub struct Config {
    /// Where the numbers are kept.
    #[command(flatten)]
    pub database: PgConfig,
    /// Where the events come from.
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
    /// Days that the numbers of the metrics are kept; 0 is for ever. They go by thirty days
    #[arg(long, env = "TURNLOOM_KEEP_NUMBERS_DAYS", default_value = "800", value_parser = Keep::parse::<8>)]
    pub keep_numbers_days: Keep,
}
