//! The fault suite as a program: `make fault`.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use fault_suite::Options;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let program = std::env::current_exe().context("where this program is")?;
    let programs = program.parent().context("the directory of this program")?.to_owned();
    let held = fault_suite::run(&options, programs).await?;
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
