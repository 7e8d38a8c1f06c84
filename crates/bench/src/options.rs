//! The flags of `turnloom bench`.

use std::time::Duration;

use crate::load::{Plan, Schedule};
use crate::product::Form;
use crate::scenario::Scenario;

/// What is measured, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// What is done, such as `greet,read`
    #[arg(long, value_delimiter = ',', value_enum, default_value = "greet")]
    pub scenario: Vec<Scenario>,
    /// Connections of the load; several numbers are measured one after the other
    #[arg(long, value_delimiter = ',', default_value = "64", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: Vec<u32>,
    /// Requests begun in a second, whatever becomes of the earlier ones; unless set each connection waits for its answer
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: Option<u32>,
    /// Seconds that are measured
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// Seconds of load before that
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub warm_up: u32,
    /// Everything is done so many times, on new data each, and medians are shown
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub repeat: u32,
    /// How a product is started, unless --url says where one runs: all in one process, or separate services
    #[arg(long = "as", value_enum, default_value = "up")]
    pub form: Form,
    /// Messages are acknowledged only: nobody waits for their executions
    #[arg(long)]
    pub no_wait: bool,
    /// Customers of `greet`; those of `mixed` are 50,000
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub customers: u64,
    /// Workflows of `read`; those of `mixed` are 200
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub workflows: u32,
    /// Messages of `burst`, and inputs of the floor
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub messages: u64,
    /// Numbers of runners of `scale`
    #[arg(long, value_delimiter = ',', default_value = "1,2,4", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub runners: Vec<u32>,
    /// Measures in the same run what the same writes cost with no product between
    #[arg(long)]
    pub with_floor: bool,
    /// Process ids of the product that --url names: its CPU time and memory are those of the trees beneath them
    #[arg(long, value_delimiter = ',')]
    pub pids: Vec<u32>,
}

impl Options {
    /// How a load is run.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let schedule = self.rate.map_or(Schedule::Closed, |per_second| Schedule::Open { per_second });
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        Plan { schedule, warm_up: seconds(self.warm_up), window: seconds(self.seconds) }
    }

    /// The header that asks for the execution.
    #[must_use]
    pub fn prefer(&self) -> Option<&'static str> {
        (!self.no_wait).then_some("wait=30")
    }
}

/// How `turnloom bench grow` fills and measures.
#[derive(Debug, Clone, clap::Args)]
pub struct GrowOptions {
    /// Executions that are filled in first: what many are compared with
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub small: u64,
    /// Executions in the end
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub executions: u64,
    /// Workflows that they are spread over; the largest has a fifth
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub workflows: u32,
    /// Requests of each kind that are measured
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub requests: u64,
    /// How the product is started: all in one process, or separate services
    #[arg(long = "as", value_enum, default_value = "up")]
    pub form: Form,
}
