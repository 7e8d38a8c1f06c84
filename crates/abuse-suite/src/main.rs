//! The abuse suite as a program: `make abuse`.

use std::process::ExitCode;

use abuse_suite::Options;
use anyhow::Context;
use clap::Parser;
use platform::lifecycle::Shutdown;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let program = std::env::current_exe().context("where this program is")?;
    let programs = program.parent().context("the directory of this program")?.to_owned();
    let stop = Shutdown::on_signals();
    // Who stops it leaves nothing behind: what is under way ends here, and takes its processes with it.
    tokio::select! {
        held = abuse_suite::run(&options, programs) => {
            Ok(if held? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        () = stop.requested() => Ok(ExitCode::FAILURE),
    }
}
