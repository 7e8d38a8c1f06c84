//! Counts the instructions of the micro-benchmarks: `make bench-instructions`.

use std::process::ExitCode;

use clap::Parser;
use micro::Options;

fn main() -> anyhow::Result<ExitCode> {
    let well = micro::run(&Options::parse())?;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
