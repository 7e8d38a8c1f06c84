//! The command line of Turnloom.

use clap::{Parser, Subcommand};
use turnloom::{events, up};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Turnloom runs conversational workflows.
#[derive(Debug, Parser)]
#[command(name = "turnloom", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts everything in one process on a local PostgreSQL and nats-server
    Up(up::Arguments),
    /// Tails the events of an account; remembers by its name where it stopped
    Events(events::Arguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Up(arguments) => up::run(arguments).await,
        Command::Events(arguments) => events::run(arguments).await,
    }
}
