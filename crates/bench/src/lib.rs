//! `turnloom bench`: how fast the real product is, what that costs, and whether everything that it acknowledged is there.
//!
//! Load goes over HTTP to a product that runs already, or to one that is started here on a private PostgreSQL and
//! nats-server; every process is measured from `/proc`, the load generator apart from the product. The numbers never
//! decide how this ends: only a message that was acknowledged and has no execution, or no replies, does.
//! What is deliberately absent: any way into the product but its API, except for the floor, which does the same writes
//! without it, and for `grow`, which fills its tables.

mod api;
mod bare;
mod check;
mod figure;
mod floor;
mod grow;
mod http;
mod load;
mod measure;
mod number;
mod options;
mod product;
mod progress;
mod report;
mod scenario;
mod talk;
mod usage;
mod workflows;
mod zipf;

use std::net::ToSocketAddrs;
use std::path::PathBuf;

use anyhow::Context;

pub use figure::{Figure, Target};
pub use grow::Grown;
pub use options::{GrowOptions, Options};
pub use report::Report;
pub use scenario::Scenario;

use figure::Figure as Row;
use product::Starter;
use scenario::Bench;

/// A product that runs already.
#[derive(Debug, Clone)]
pub struct Running {
    /// Its address, such as `http://127.0.0.1:8080`.
    pub url: String,
    /// A key of full access.
    pub key: String,
}

/// What new products are started with.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The program `turnloom`; those of the services lie beside it.
    pub turnloom: PathBuf,
    /// The key of full access that they get.
    pub key: String,
}

/// Plays the scenarios, one after the other.
///
/// # Errors
/// When something cannot be started or measured. What is acknowledged and missing is in the report.
pub async fn run(options: &Options, running: Option<Running>, programs: Programs) -> anyhow::Result<Report> {
    let starter = starter(options, running, programs)?;
    let mut bench = Bench { options, starter: &starter, report: Report::default(), floor: None };
    for run in 1..=options.repeat {
        if options.repeat > 1 {
            progress::say(&format!("run {run} of {}", options.repeat));
        }
        // Ratios come from one run.
        bench.floor = None;
        for scenario in options.scenario.clone() {
            bench.play(scenario).await?;
        }
    }
    bench.report.take_medians();
    Ok(bench.report)
}

/// Measures the floor only, with the burst that it repeats.
///
/// # Errors
/// When something cannot be started or measured.
pub async fn run_floor(options: &Options, programs: Programs) -> anyhow::Result<Report> {
    let starter = starter(options, None, programs)?;
    let mut bench = Bench { options, starter: &starter, report: Report::default(), floor: None };
    bench.measure_floor().await?;
    let floor = bench.floor.context("the floor was not measured")?;
    let figures = [
        Row::new("floor", "executions/s", floor.per_second, ""),
        Row::new("floor", "CPU each, all processes", floor.cpu_each, "µs"),
    ];
    bench.report.figures.extend(figures);
    let written =
        floor.written_each.map(|each| Row::new("floor", "written to disk each", each / 1000.0, "KB"));
    bench.report.figures.extend(written);
    Ok(bench.report)
}

/// Fills a product of its own, and asks it with few executions and with many.
///
/// # Errors
/// When something cannot be started, filled in or asked. What is told wrongly is in what comes back.
pub async fn run_grow(options: &GrowOptions, programs: Programs) -> anyhow::Result<Grown> {
    grow::run(options, &Starter { program: programs.turnloom, key: programs.key, given: None }).await
}

fn starter(options: &Options, running: Option<Running>, programs: Programs) -> anyhow::Result<Starter> {
    let given = match running {
        None => None,
        Some(Running { url, key }) => {
            let host = url.strip_prefix("http://").context("the bench speaks http:// only")?;
            let host = host.trim_end_matches('/');
            let found =
                host.to_socket_addrs().with_context(|| format!("{url}: http://host:port is wanted"))?;
            let address = found.into_iter().next().context("the address names no host")?;
            Some((http::Target { address, key }, options.pids.clone()))
        }
    };
    Ok(Starter { program: programs.turnloom, key: programs.key, given })
}
