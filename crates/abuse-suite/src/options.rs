//! The flags of `make abuse`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use fault_suite::output::Output;

use crate::attack::Attack;
use crate::stage::Plan;

/// Attacks the real product as strangers, customers and neighbours would, and checks that all of it bounces off.
#[derive(Debug, Clone, Parser)]
#[command(name = "abuse-suite", version)]
pub struct Options {
    /// Only these attacks, such as `S1,S8`
    #[arg(long, value_delimiter = ',', value_enum, ignore_case = true)]
    pub only: Vec<Attack>,
    /// What everything random comes from; a random one unless set
    #[arg(long)]
    pub seed: Option<u64>,
    /// Most of the attacks, with less of each, as `make test` does
    #[arg(long)]
    pub short: bool,
    /// How long schemathesis goes on with each level of keys (S12)
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub minutes: u32,
    /// What is left, and how it is shown.
    #[command(flatten)]
    pub output: Output,
}

impl Options {
    /// The attacks to be played.
    pub fn attacks(&self) -> Vec<Attack> {
        match (self.only.is_empty(), self.short) {
            (false, _) => self.only.clone(),
            (true, true) => Attack::SHORT.to_vec(),
            (true, false) => Attack::ALL.to_vec(),
        }
    }

    /// How they are played; the services' programs are in this directory.
    pub fn plan(&self, programs: PathBuf) -> Arc<Plan> {
        let directory = self.output.directory("abuse");
        Arc::new(Plan { short: self.short, minutes: self.minutes, programs, directory })
    }
}
