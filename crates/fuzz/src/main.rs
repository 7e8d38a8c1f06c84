//! Fuzzing as a program: `make fuzz`.

use std::process::ExitCode;

use clap::Parser;
use fuzz::campaign::{self, Options};

fn main() -> anyhow::Result<ExitCode> {
    let held = campaign::run(&Options::parse())?;
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
