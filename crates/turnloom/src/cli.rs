//! The commands, and how they end.

use std::process::ExitCode;

use bus::rpc::CallError;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use gateway::store::StoreError;

use crate::api::ApiError;
use crate::connection::Connection;
use crate::output::{Format, RED, styled};
use crate::printing::{self, eprintln};
use crate::{
    accounts, bench, chat, conversations, dead_letters, demo, doctor, events, executions, keys, metrics,
    migrate, republish, retention, runners, subscribers, up, workflows,
};

/// Turnloom runs conversational workflows.
#[derive(Debug, Parser)]
#[command(
    name = "turnloom",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 cannot be reached.\n\
                  NO_COLOR turns colours off. Without --url and --key, what `turnloom up` runs in the data directory is talked to."
)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts everything in one process on a local PostgreSQL and nats-server
    Up(Box<up::Arguments>),
    /// Plays three customers through a workflow and shows what there is to see
    Demo,
    /// Talks to a workflow in the terminal
    Chat(chat::Arguments),
    /// Lists, shows, applies, activates workflows
    #[command(subcommand)]
    Workflows(workflows::Command),
    /// Lists, shows, cancels and retries executions
    #[command(subcommand)]
    Executions(executions::Command),
    /// Lists and shows conversations, and takes part in them
    #[command(subcommand)]
    Conversations(conversations::Command),
    /// Shows and checks numbers
    #[command(subcommand)]
    Metrics(metrics::Command),
    /// Tails the events of an account; remembers by its name where it stopped
    Events(events::Arguments),
    /// Shows who owns which partitions, and how far behind they are
    Runners(runners::Arguments),
    /// Lists, shows and tries again what could not be handled
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Tells events and replies again, in order and with the same ids
    Republish(republish::Arguments),
    /// Brings all tables up to date as their owner, for services that are none
    Migrate(migrate::Arguments),
    /// Makes, lists and shows accounts, in the gateway's database
    Accounts(accounts::Arguments),
    /// Makes, lists, rotates and revokes keys of any account, in the gateway's database
    Keys(keys::Arguments),
    /// Makes, lists and revokes who outside may read an account's events on the bus, in the broker's file of users
    Subscribers(subscribers::Arguments),
    /// Shows how long things are kept and what is over its time, or has that dropped at once
    Retention(retention::Arguments),
    /// Looks at everything that Turnloom stands on, and says what to do
    Doctor(doctor::Arguments),
    /// Measures how fast everything is and what it costs, on a private stack or on a running product
    Bench(Box<bench::Arguments>),
    /// Prints the API's OpenAPI document
    Openapi,
    /// Prints the AsyncAPI document of the events on the bus
    Asyncapi,
    /// Prints completions for a shell
    Completions {
        /// bash, zsh, fish, elvish, powershell
        shell: Shell,
    },
}

/// Does what the command line says.
pub async fn run(arguments: Arguments) -> ExitCode {
    // On the heap: it is as large as the largest command.
    match Box::pin(execute(arguments)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => printing::end_of_closed(&error).unwrap_or_else(|| {
            eprintln!("{} {}", styled(RED, "error:"), chain(&error));
            exit_code(&error)
        }),
    }
}

async fn execute(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { connection, format, command } = arguments;
    match command {
        // The starts of all services are inside.
        Command::Up(arguments) => Box::pin(up::run(*arguments, &connection.data_dir)).await,
        Command::Demo => demo::run(&connection.api()?, format).await,
        Command::Chat(arguments) => chat::run(arguments, &connection.api()?, format).await,
        Command::Workflows(command) => workflows::run(command, &connection.api()?, format).await,
        Command::Executions(command) => executions::run(command, &connection.api()?, format).await,
        Command::Conversations(command) => conversations::run(command, &connection.api()?, format).await,
        Command::Metrics(command) => metrics::run(command, &connection, format).await,
        Command::Events(arguments) => events::run(arguments, &connection.data_dir, format).await,
        Command::Runners(arguments) => runners::run(arguments, &connection.api()?, format).await,
        Command::DeadLetters(command) => dead_letters::run(command, &connection.api()?, format).await,
        Command::Republish(arguments) => republish::run(arguments, &connection, format).await,
        Command::Migrate(arguments) => migrate::run(arguments, &connection, format).await,
        Command::Accounts(arguments) => accounts::run(arguments, &connection, format).await,
        Command::Keys(arguments) => keys::run(arguments, &connection, format).await,
        Command::Subscribers(arguments) => subscribers::run(arguments, &connection, format).await,
        Command::Retention(arguments) => retention::run(arguments, &connection, format).await,
        Command::Doctor(arguments) => doctor::run(arguments, &connection, format).await,
        Command::Bench(arguments) => Box::pin(bench::run(*arguments, &connection, format)).await,
        Command::Openapi => printing::write(format_args!("{}", gateway::openapi())),
        Command::Asyncapi => printing::write(format_args!("{}", execution_runner::asyncapi())),
        Command::Completions { shell } => {
            // Into memory first: the generator panics when its output is closed.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "turnloom", &mut script);
            printing::write(format_args!("{}", String::from_utf8_lossy(&script)))
        }
    }
}

/// The causes on one line, without what is said twice.
fn chain(error: &anyhow::Error) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.iter().any(|earlier| earlier.contains(&cause)) {
            told.push(cause);
        }
    }
    told.join(": ")
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    let unreachable = error.chain().any(|cause| {
        matches!(cause.downcast_ref::<ApiError>(), Some(ApiError::Unreachable(_)))
            || matches!(
                cause.downcast_ref::<CallError>(),
                Some(CallError::Unavailable(_) | CallError::TimedOut)
            )
            || cause.downcast_ref::<bus::Unavailable>().is_some()
            || cause.downcast_ref::<StoreError>().is_some_and(StoreError::is_unavailable)
    });
    ExitCode::from(if unreachable { 3 } else { 1 })
}
