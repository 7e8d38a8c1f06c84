//! `turnloom bench`: how fast everything is, and what that costs.

use anyhow::{Context, bail};
use bench::{Options, Programs, Report, Running};
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
        match command {
            None => bench::run(&options, running, programs).await,
            Some(Command::Floor) => bench::run_floor(&options, programs).await,
        }
    };
    // Who stops it leaves nothing behind: what is under way is dropped here, and takes its processes with it.
    let report = tokio::select! {
        report = measuring => report?,
        () = stop.requested() => bail!("stopped"),
    };
    print(&report, format)?;
    if report.is_well() {
        return Ok(());
    }
    bail!("{} problems: not everything that was acknowledged is as it must be", report.problems.len())
}

fn print(report: &Report, format: Format) -> anyhow::Result<()> {
    println!("\n{}", report.table());
    if format.json {
        println!("{}", report.json()?);
    }
    Ok(())
}
