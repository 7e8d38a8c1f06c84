//! Settings of the workflow catalog: flags and environment, all in `--help`.

use bus::BusConfig;
use bus::durability::MonitorConfig;
use clap::Parser;
use pg::PgConfig;
use platform::admin::AdminConfig;
use platform::durability::DurabilityConfig;
use platform::telemetry::TelemetryConfig;

use crate::embedding::EmbeddingConfig;

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
    /// Where the broker tells of itself.
    #[command(flatten)]
    pub monitor: MonitorConfig,
    /// What must be so before it starts.
    #[command(flatten)]
    pub durability: DurabilityConfig,
    /// Hours after which what is left of a deleted workflow is erased: its executions, numbers and revisions. Nobody can
    /// see them meanwhile; its last events can be told again as long
    #[arg(long, env = "TURNLOOM_ERASE_AFTER_HOURS", default_value_t = 72,
          value_parser = clap::value_parser!(u32).range(0..=8760))]
    pub erase_after_hours: u32,
    /// Where meanings of texts come from.
    #[command(flatten)]
    pub embedding: EmbeddingConfig,
    /// Health and metrics.
    #[command(flatten)]
    pub admin: AdminConfig,
    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
}
