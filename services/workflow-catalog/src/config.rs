//! Settings of the workflow catalog: flags and environment, all in `--help`.

use bus::BusConfig;
use clap::Parser;
use pg::PgConfig;
use platform::admin::AdminConfig;
use platform::telemetry::TelemetryConfig;

/// Keeps workflows and their revisions, and tells runners what is active. Any number may run side by side.
#[derive(Debug, Clone, Parser)]
#[command(name = "workflow-catalog", version)]
pub struct Config {
    /// Where the truth is kept.
    #[command(flatten)]
    pub database: PgConfig,
    /// How to reach the other services.
    #[command(flatten)]
    pub bus: BusConfig,
    /// Health and metrics.
    #[command(flatten)]
    pub admin: AdminConfig,
    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
}
