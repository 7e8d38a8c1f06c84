//! Settings of the execution runner: flags and environment, all in `--help`.

use std::time::Duration;

use bus::durability::MonitorConfig;
use bus::{BusConfig, Topology};
use clap::{Parser, ValueEnum};
use outbound::{ModelConfig, OutboundConfig};
use pg::PgConfig;
use platform::admin::AdminConfig;
use platform::durability::DurabilityConfig;
use platform::keep::Keep;
use platform::telemetry::TelemetryConfig;
use secrets::SecretsConfig;

use crate::store::Kept;

/// Owns partitions of conversations and runs their workflows. Any number may run side by side.
#[derive(Debug, Clone, Parser)]
#[command(name = "execution-runner", version)]
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
    /// Sizes of the streams.
    #[command(flatten)]
    pub topology: Topology,
    /// Health and metrics.
    #[command(flatten)]
    pub admin: AdminConfig,
    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    /// Calls to other systems.
    #[command(flatten)]
    pub outbound: OutboundConfig,
    /// The language model.
    #[command(flatten)]
    pub model: ModelConfig,
    /// How secrets are sealed.
    #[command(flatten)]
    pub secrets: SecretsConfig,
    /// How long things are kept.
    #[command(flatten)]
    pub keep: KeepConfig,
    /// The runner's own.
    #[command(flatten)]
    pub runner: RunnerConfig,
}

/// What is the runner's own.
#[derive(Debug, Clone, clap::Args)]
pub struct RunnerConfig {
    /// What operators call this process; its id unless set
    #[arg(long, env = "TURNLOOM_RUNNER_NAME", default_value = "")]
    pub runner_name: String,
    /// Partitions of the installation; fixed once it has stored anything
    #[arg(long, env = "TURNLOOM_PARTITIONS", default_value_t = contracts::partition::PARTITIONS_DEFAULT,
          value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub partitions: u32,
    /// Groups that the partitions are gathered into; each is a stream of its own
    #[arg(long, env = "TURNLOOM_PARTITION_GROUPS", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub partition_groups: u32,
    /// How long a partition stays with a runner that is not heard of, in milliseconds
    #[arg(long, env = "TURNLOOM_LEASE_MS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(1_000..=600_000))]
    pub lease_ms: u64,
    /// How often leases are renewed, in milliseconds; a third of the lease or less
    #[arg(long, env = "TURNLOOM_LEASE_RENEWAL_MS", default_value_t = 3_000,
          value_parser = clap::value_parser!(u64).range(100..=200_000))]
    pub lease_renewal_ms: u64,
    /// Inputs in one commit
    #[arg(long, env = "TURNLOOM_BATCH_INPUTS_MAX", default_value_t = 1024,
          value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub batch_inputs_max: u32,
    /// Days within which a message sent again is the same message; WhatsApp retries for 7
    #[arg(long, env = "TURNLOOM_DEDUPLICATION_DAYS", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(8..=365))]
    pub deduplication_days: u32,
    /// Whether activities (AI answers, HTTP requests) are done here: on, off, or only, and then no partition is owned
    #[arg(long, env = "TURNLOOM_ACTIVITIES", default_value = "on")]
    pub activities: DoesActivities,
    /// Hours that a person keeps a conversation without doing anything, before the bot has it again
    #[arg(long, env = "TURNLOOM_HANDOFF_HOURS", default_value_t = 24,
          value_parser = clap::value_parser!(u32).range(1..=8760))]
    pub handoff_hours: u32,
    /// For fault drills only: a message whose text contains drill:panic, drill:abort or drill:hang makes its turn do that
    #[arg(long, env = "TURNLOOM_FAULT_DRILL", default_value = "off")]
    pub fault_drill: Drill,
}

/// How long things are kept; the same for all runners. What is cut by time goes by slices of thirty days, when all of a slice
/// is over its time.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct KeepConfig {
    /// Days that executions are kept with their steps, since they started, and up to 30 more; 0 is for ever. No less than
    /// --deduplication-days
    #[arg(long, env = "TURNLOOM_KEEP_EXECUTIONS_DAYS", default_value = "400", value_parser = Keep::parse::<8>)]
    pub keep_executions_days: Keep,
    /// Days that is kept what happened to conversations beside executions, as messages that no workflow took; 0 is for ever
    #[arg(long, env = "TURNLOOM_KEEP_NOTES_DAYS", default_value = "400", value_parser = Keep::parse::<8>)]
    pub keep_notes_days: Keep,
    /// Days that dead letters are kept after they were tried again; 0 is for ever
    #[arg(long, env = "TURNLOOM_KEEP_DEAD_LETTERS_DAYS", default_value = "30", value_parser = Keep::parse::<1>)]
    pub keep_dead_letters_days: Keep,
    /// Days that dead letters are kept that nobody tries again: acknowledged messages are lost then; 0 is for ever
    #[arg(long, env = "TURNLOOM_KEEP_OPEN_DEAD_LETTERS_DAYS", default_value = "0", value_parser = Keep::parse::<1>)]
    pub keep_open_dead_letters_days: Keep,
}

/// Executions would go too early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "--keep-executions-days is {kept}, and must be {deduplicated} or more: so long (--deduplication-days) a message that is sent again \
     is answered with its execution"
)]
pub struct KeptTooShortly {
    kept: u32,
    deduplicated: u32,
}

impl KeepConfig {
    /// How long each class is kept.
    pub(crate) fn kept(&self, deduplication_days: u32) -> Result<Kept, KeptTooShortly> {
        match self.keep_executions_days.in_days() {
            Some(kept) if kept < deduplication_days => {
                Err(KeptTooShortly { kept, deduplicated: deduplication_days })
            }
            Some(_) | None => Ok(Kept {
                executions: self.keep_executions_days,
                notes: self.keep_notes_days,
                dead_letters: self.keep_dead_letters_days,
                open_dead_letters: self.keep_open_dead_letters_days,
                message_keys: Keep::days(deduplication_days),
            }),
        }
    }
}

/// Whether a process does activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DoesActivities {
    /// Beside turns.
    On,
    /// Others do.
    Off,
    /// And nothing else.
    Only,
}

/// Whether drills are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Drill {
    /// Yes.
    On,
    /// No.
    Off,
}

impl RunnerConfig {
    pub(crate) fn return_after_ms(&self) -> i64 {
        i64::from(self.handoff_hours) * 60 * 60 * 1000
    }

    pub(crate) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    pub(crate) fn renew_every(&self) -> Duration {
        Duration::from_millis(self.lease_renewal_ms)
    }
}
