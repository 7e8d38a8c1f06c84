//! The fault suite as a program: `make fault`.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use fault_suite::Options;
use platform::lifecycle::Shutdown;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let program = std::env::current_exe().context("where this program is")?;
    let programs = program.parent().context("the directory of this program")?.to_owned();
    let stop = Shutdown::on_signals();
    // Who stops it leaves nothing behind: what is under way ends here, and takes its processes and disks with it.
    tokio::select! {
        held = fault_suite::run(&options, programs) => {
            Ok(if held? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        () = stop.requested() => Ok(ExitCode::FAILURE),
    }
}
