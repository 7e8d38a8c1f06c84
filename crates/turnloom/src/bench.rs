//! `turnloom bench`: how fast everything is, and what that costs.

use anyhow::{Context, bail};
use bench::{GrowOptions, Grown, Options, Programs, Report, Running};
use gateway::key::ApiKey;
use platform::lifecycle::Shutdown;

use crate::connection::Connection;
use crate::output::Format;
use crate::printing::println;

/// What `turnloom bench` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    /// Measures only what the same writes and messages cost with no product between; flags go before this word
    Floor,
    /// Whether answers stay quick and exact from 10,000 executions to 10 million, which it fills in
    Grow(GrowOptions),
}

/// Measures, and prints what came of it.
///
/// # Errors
/// When something cannot be started, or anything that was acknowledged is not there.
pub async fn run(arguments: Arguments, connection: &Connection, format: Format) -> anyhow::Result<()> {
    let Arguments { options, command } = arguments;
    let turnloom = std::env::current_exe().context("where this program is")?;
    let programs = Programs { turnloom, key: ApiKey::generate().expose().to_owned() };
    let running = connection.named()?.map(|(url, key)| Running { url, key });
    let stop = Shutdown::on_signals();
    let measuring = async {
        Ok(match command {
            None => Told::of(&bench::run(&options, running, programs).await?)?,
            Some(Command::Floor) => Told::of(&bench::run_floor(&options, programs).await?)?,
            Some(Command::Grow(options)) => {
                anyhow::ensure!(running.is_none(), "grow starts its own product: leave --url out");
                Told::of_growing(&bench::run_grow(&options, programs).await?)
            }
        })
    };
    // Who stops it leaves nothing behind: what is under way is dropped here, and takes its processes with it.
    let told: Told = tokio::select! {
        told = measuring => told?,
        () = stop.requested() => bail!("stopped"),
    };
    println!("\n{}", told.table);
    if format.json {
        println!("{}", told.json);
    }
    if told.problems == 0 {
        return Ok(());
    }
    bail!("{} problems: {}", told.problems, told.complaint)
}

/// What came of it, as it is printed.
struct Told {
    table: String,
    json: String,
    problems: usize,
    complaint: &'static str,
}

impl Told {
    fn of(report: &Report) -> anyhow::Result<Self> {
        Ok(Self {
            table: report.table(),
            json: report.json()?,
            problems: report.problems.len(),
            complaint: "not everything that was acknowledged is as it must be",
        })
    }

    fn of_growing(grown: &Grown) -> Self {
        Self {
            table: grown.table(),
            json: grown.json(),
            problems: grown.problems.len(),
            complaint: "the API does not tell what was filled in",
        }
    }
}
