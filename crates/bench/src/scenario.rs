//! What is done to the product.

mod burst;
mod idle;
mod messages;
mod read;
mod scale;

use clap::ValueEnum;
use serde::Serialize;

use crate::figure::Figure;
use crate::floor;
use crate::options::Options;
use crate::product::{Product, Starter};
use crate::report::Report;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// Keyword, message, condition, message, end: the work that peers were measured with
    Greet,
    /// A form in three turns
    Form,
    /// 200 workflows and 50,000 customers, some much more popular than others
    Mixed,
    /// Reads of workflows, executions and metrics among many workflows, 1 % writes
    Read,
    /// Many waiting messages, handled as fast as can be
    Burst,
    /// The same load on 1, 2, 4 runners
    Scale,
    /// Nothing: start times and memory of separate services
    Idle,
}

/// What all scenarios need.
pub struct Bench<'a> {
    /// The flags.
    pub options: &'a Options,
    /// What starts products.
    pub starter: &'a Starter,
    /// What came of it so far.
    pub report: Report,
    /// What the same writes cost without the product, once that is known.
    pub floor: Option<floor::Floor>,
}

impl Bench<'_> {
    /// Plays a scenario.
    ///
    /// # Errors
    /// When it cannot be played.
    pub async fn play(&mut self, scenario: Scenario) -> anyhow::Result<()> {
        match scenario {
            Scenario::Greet => messages::play(self, messages::Kind::Greet).await,
            Scenario::Form => messages::play(self, messages::Kind::Form).await,
            Scenario::Mixed => messages::play(self, messages::Kind::Mixed).await,
            Scenario::Read => read::play(self).await,
            Scenario::Burst => burst::play(self).await,
            Scenario::Scale => scale::play(self).await,
            Scenario::Idle => idle::play(self).await,
        }
    }

    /// Measures the floor, unless that was done in this run.
    ///
    /// # Errors
    /// When it cannot be measured.
    pub async fn measure_floor(&mut self) -> anyhow::Result<()> {
        if self.floor.is_none() {
            burst::with_floor(self).await?;
        }
        Ok(())
    }

    /// A product for a scenario, with its start and what it has while nobody asks anything of it.
    async fn product(&mut self) -> anyhow::Result<Product> {
        let product = self.starter.product(self.options.form).await?;
        if let Some(started_in) = product.started_in {
            let took = started_in.as_secs_f64();
            self.report.notes.push(format!(
                "{} on new data, PostgreSQL's and nats-server's included where it starts them: ready in {took:.2} s",
                product.form()
            ));
        }
        Ok(product)
    }

    fn figure(&mut self, scenario: &str, figure: &str, value: f64, unit: &'static str) {
        self.add(Figure::new(scenario, figure, value, unit));
    }

    fn add(&mut self, figure: Figure) {
        self.report.figures.push(figure);
    }

    /// A name for customers and messages that no other run has.
    fn run_name() -> String {
        let id = platform::clock::new_uuid_v7().simple().to_string();
        // The last digits are random.
        format!("b{}", id.get(20..).unwrap_or(&id))
    }
}
