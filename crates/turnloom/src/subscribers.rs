//! `turnloom subscribers …`: who outside may read an account's events on the bus.
//!
//! A subscriber is a user of the broker that may make one consumer, with a filter of its account, and read it. It is kept in the file of
//! users that `nats.conf` includes, and counts from when nats-server reads that again.

mod file;

use std::path::PathBuf;

use anyhow::bail;
use contracts::access::{self, Subscriber};
use contracts::subject;
use gateway::keys::AccountName;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::output::{self, DIM, Format, GREEN, styled};
use crate::printing::{self, println};

use file::{Reloaded, UsersFile};

/// What `subscribers` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The file of users that nats-server includes; that of the `turnloom up` in the data directory unless set
    #[arg(long, env = "TURNLOOM_NATS_USERS_FILE", global = true)]
    users_file: Option<PathBuf>,
    /// The file in which nats-server keeps its process id (its `pid_file`): it is then told to read the users again
    #[arg(long, env = "TURNLOOM_NATS_PID_FILE", global = true)]
    pid_file: Option<PathBuf>,
}

/// What to do with subscribers.
#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    /// Makes one and shows its password
    Create(Which),
    /// Lists them, without their passwords
    List,
    /// Takes one away: its connections are closed
    Revoke(Which),
    /// Prints the file of users for a new installation, without any subscriber
    Conf,
}

/// A subscriber of an account.
#[derive(Debug, Clone, clap::Args)]
struct Which {
    /// Its name: letters, digits and '-', 40 at most
    name: String,
    /// Whose events it reads
    #[arg(long, default_value = "default")]
    account: AccountName,
}

/// Does it.
///
/// # Errors
/// When the name is taken or unknown, or the file cannot be read or written.
pub async fn run(arguments: Arguments, connection: &Connection, format: Format) -> anyhow::Result<()> {
    let Arguments { command, users_file, pid_file } = arguments;
    if let Command::Conf = command {
        return printing::write(format_args!("{}", access::users_conf(&[])));
    }
    let file = UsersFile::find(users_file, pid_file, &connection.data_dir)?;
    let done = tokio::task::spawn_blocking(move || match command {
        Command::Create(which) => create(&file, &which, format),
        Command::Revoke(which) => revoke(&file, &which, format),
        Command::List | Command::Conf => list(&file, format),
    });
    done.await?
}

fn create(file: &UsersFile, Which { name, account }: &Which, format: Format) -> anyhow::Result<()> {
    let Some(made) = Subscriber::new(name, account.id(), &new_password()) else {
        bail!("'{name}' is no name of a subscriber: 1 to 40 letters, digits and '-'")
    };
    let reloaded = file.change(|known| {
        if known.iter().any(|other| other.user() == made.user()) {
            bail!("{account} has a subscriber '{name}'")
        }
        known.push(made.clone());
        Ok(())
    })?;
    if format.json {
        return output::json(&with_password(&made));
    }
    println!("{} {name} may read the events of {account}", styled(GREEN, "✓"));
    let line = |name: &str, value: &str| println!("  {} {value}", styled(DIM, &format!("{name:<9}")));
    line("user", &made.user());
    line("password", &made.password);
    line("stream", subject::EVENTS_STREAM);
    line("consumer", &format!("{}  (durable, of this name)", made.user()));
    line("filter", &format!("{}  (or a part of it)", subject::events(made.account, ">")));
    line("inbox", &format!("{}  (the inbox prefix that its client has to set)", made.inbox()));
    tell(reloaded);
    Ok(())
}

fn revoke(file: &UsersFile, Which { name, account }: &Which, format: Format) -> anyhow::Result<()> {
    let mut revoked = None;
    let reloaded = file.change(|known| {
        let is_it = |other: &Subscriber| other.name == *name && other.account == account.id();
        let Some(at) = known.iter().position(is_it) else { bail!("{account} has no subscriber '{name}'") };
        revoked = Some(known.remove(at));
        Ok(())
    })?;
    let shown = revoked.as_ref().map_or(Value::Null, as_json);
    output::done(format, &shown, |_| format!("{name} may not read the events of {account} any more"))?;
    if !format.json {
        tell(reloaded);
    }
    Ok(())
}

fn list(file: &UsersFile, format: Format) -> anyhow::Result<()> {
    let known = file.read()?;
    if format.json {
        return output::json(&Value::Array(known.iter().map(as_json).collect()));
    }
    let row = |known: &Subscriber| vec![known.name.clone(), known.account.to_string(), known.user()];
    output::table(&["NAME", "ACCOUNT", "USER"], known.iter().map(row).collect());
    Ok(())
}

/// Says what is left to be done.
fn tell(reloaded: Reloaded) {
    if reloaded == Reloaded::No {
        println!(
            "{}",
            styled(DIM, "It counts when nats-server reads its users again: nats-server --signal reload")
        );
    }
}

/// A word of letters and digits, a letter first: nats-server reads it as a value of its configuration.
pub(crate) fn new_password() -> String {
    format!("p{}", platform::clock::new_uuid_v4().simple())
}

fn as_json(known: &Subscriber) -> Value {
    json!({
        "name": known.name,
        "account": known.account.to_string(),
        "user": known.user(),
        "stream": subject::EVENTS_STREAM,
        "consumer": known.user(),
        "filter": subject::events(known.account, ">"),
        "inbox_prefix": known.inbox(),
    })
}

fn with_password(made: &Subscriber) -> Value {
    let mut shown = as_json(made);
    if let Some(members) = shown.as_object_mut() {
        members.insert("password".to_owned(), made.password.clone().into());
    }
    shown
}
