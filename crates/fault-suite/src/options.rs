//! The flags of `make fault`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;

use crate::fault::Fault;
use crate::output::Output;
use crate::scene::Plan;

/// Messages begun in a second unless said otherwise.
pub const PER_SECOND: u32 = 300;

/// Kills, stops and cuts off parts of the real product under load, and checks that nothing is lost, done twice or out of order.
#[derive(Debug, Clone, Parser)]
#[command(name = "fault-suite", version)]
pub struct Options {
    /// Only these faults, such as `R1,R4`
    #[arg(long, value_delimiter = ',', value_enum, ignore_case = true)]
    pub only: Vec<Fault>,
    /// What everything random comes from; a random one unless set
    #[arg(long)]
    pub seed: Option<u64>,
    /// Some of the faults, each for a short time, as `make test` does
    #[arg(long)]
    pub short: bool,
    /// Loads last so many times as long
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub long: u32,
    /// Messages begun in a second
    #[arg(long, default_value_t = PER_SECOND, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub messages_per_second: u32,
    /// What is left, and how it is shown.
    #[command(flatten)]
    pub output: Output,
}

impl Options {
    /// The faults to be played.
    pub fn faults(&self) -> Vec<Fault> {
        match (self.only.is_empty(), self.short) {
            (false, _) => self.only.clone(),
            (true, true) => Fault::SHORT.to_vec(),
            (true, false) => Fault::ALL.to_vec(),
        }
    }

    /// How they are played; the services' programs are in this directory.
    pub fn plan(&self, programs: PathBuf) -> Arc<Plan> {
        let directory = self.output.directory("faults");
        Arc::new(Plan {
            per_second: self.messages_per_second,
            short: self.short,
            long: self.long,
            programs,
            directory,
        })
    }
}
