//! `turnloom accounts …`: the accounts that share a product, for operators.
//!
//! This and `turnloom keys` go to the gateway's tables, by the gateway's own code, and not to the API: a key opens its own
//! account only, so nobody could make the first key of another one over the API, or mend an account whose keys are all lost.
//! They need no running gateway either. Whoever may reach the database could do all of this anyway.

use anyhow::Context;
use flow_model::AccountId;
use gateway::audit::{By, Change, Log};
use gateway::keys::{AccountName, AccountRecord, Desk, KeyStatus, Limits};
use gateway::span::Span;
use gateway::store::{SCHEMA, Store};
use pg::{PgConfig, Pool};
use platform::clock::rfc3339;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::keys;
use crate::output::{self, BOLD, DIM, Format, GREEN, styled};
use crate::printing::println;

/// What `accounts` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    database: Database,
}

/// Where the gateway's tables are.
#[derive(Debug, Clone, clap::Args)]
pub struct Database {
    /// Where PostgreSQL is; that of the `turnloom up` in the data directory unless set
    #[arg(long, env = "TURNLOOM_DATABASE_URL", hide_env_values = true, global = true)]
    database_url: Option<String>,
}

impl Database {
    /// What is done with accounts and keys there.
    ///
    /// # Errors
    /// When it is not said where it is.
    pub fn open(&self, connection: &Connection) -> anyhow::Result<Office> {
        let url = connection.database_url(self.database_url.as_deref())?;
        let store = Store::new(Pool::new(&PgConfig::for_url(&url), SCHEMA)?);
        Ok(Office { desk: Desk::new(store.clone()), log: Log::new(store) })
    }
}

/// Where accounts and keys are changed, and what was changed is written down.
#[derive(Debug, Clone)]
pub struct Office {
    /// Does it.
    pub desk: Desk,
    log: Log,
}

impl Office {
    /// Writes into the account's audit log what an operator has done.
    ///
    /// # Errors
    /// When the database is away: it is done then, but not written down.
    pub async fn note(
        &self,
        account: AccountId,
        action: &'static str,
        changed: String,
    ) -> anyhow::Result<()> {
        let change = Change {
            account,
            by: By::Operator,
            action,
            resource: Some(changed),
            status: 200,
            request_id: String::new(),
            remote_address: None,
        };
        self.log.write(&change).await.context("it is done, but cannot be written to the audit log")
    }
}

/// What to do with accounts.
#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    /// Makes an account, without any key
    Create {
        /// Its name: letters, digits, '.', '_' and '-', 64 at most
        name: AccountName,
        /// Requests of a class in any hour for each of its keys, such as `read=5000`; can be given several times
        #[arg(long = "limit", value_name = "CLASS=NUMBER")]
        limits: Vec<String>,
    },
    /// Sets the limits of one, in the place of all that were set; keys that have limits of their own keep them
    Limit {
        /// Its name
        name: AccountName,
        /// Requests of a class in any hour for each of its keys, such as `read=5000`; can be given several times, and
        /// what is not given is as usual
        #[arg(long = "limit", value_name = "CLASS=NUMBER")]
        limits: Vec<String>,
    },
    /// Lists them, by name
    List,
    /// Shows one with the keys that work
    Show {
        /// Its name
        name: AccountName,
    },
}

/// Does it.
///
/// # Errors
/// When the name is taken or unknown, or the database cannot be reached.
pub async fn run(arguments: Arguments, connection: &Connection, format: Format) -> anyhow::Result<()> {
    let office = arguments.database.open(connection)?;
    let desk = &office.desk;
    match arguments.command {
        Command::Create { name, limits } => {
            let limits = Limits::parse(limits.iter().map(String::as_str)).context("--limit")?;
            let account = desk.create_account(&name, limits).await.with_context(|| name.to_string())?;
            office.note(account.id, "createAccount", account.id.to_string()).await?;
            if format.json {
                return output::json(&as_json(&account));
            }
            println!("{} {name} is made  {}", styled(GREEN, "✓"), styled(DIM, &account.id.to_string()));
            println!(
                "{}",
                styled(DIM, &format!("turnloom keys create --account {name} <NAME> makes a key for it"))
            );
        }
        Command::Limit { name, limits } => {
            let limits = Limits::parse(limits.iter().map(String::as_str)).context("--limit")?;
            let account = desk.limit(name.id(), limits).await.with_context(|| name.to_string())?;
            office.note(account.id, "limitAccount", account.id.to_string()).await?;
            output::done(format, &as_json(&account), |_| format!("limits set for {name}: {}", set(limits)))?;
        }
        Command::List => list(&desk.accounts().await?, format)?,
        Command::Show { name } => show(desk, &name, format).await?,
    }
    Ok(())
}

fn list(accounts: &[AccountRecord], format: Format) -> anyhow::Result<()> {
    if format.json {
        return output::json(&Value::Array(accounts.iter().map(as_json).collect()));
    }
    let row = |account: &AccountRecord| {
        vec![
            account.name.clone(),
            account.active_keys.to_string(),
            set(account.limits),
            keys::moment(Some(account.created_at_ms)),
            account.id.to_string(),
        ]
    };
    output::table(&["NAME", "KEYS", "LIMITS SET", "CREATED", "ID"], accounts.iter().map(row).collect());
    Ok(())
}

async fn show(desk: &Desk, name: &AccountName, format: Format) -> anyhow::Result<()> {
    let account = desk.account(name.id()).await.with_context(|| name.to_string())?;
    let found = desk.list(account.id, Some(KeyStatus::Active), Span::first(KEYS_SHOWN)).await?;
    if format.json {
        let mut shown = as_json(&account);
        if let Some(members) = shown.as_object_mut() {
            members.insert("keys".to_owned(), found.rows.iter().map(keys::as_json).collect());
        }
        return output::json(&shown);
    }
    println!("{} {}", styled(BOLD, &account.name), styled(DIM, &account.id.to_string()));
    let line = |name: &str, value: &str| println!("  {} {value}", styled(DIM, &format!("{name:<10}")));
    line("created", &keys::moment(Some(account.created_at_ms)));
    line("limits set", &set(account.limits));
    line("keys", &account.active_keys.to_string());
    if !found.rows.is_empty() {
        keys::table(&found.rows);
    }
    Ok(())
}

/// Keys that are shown with an account: as many as may work.
const KEYS_SHOWN: u32 = 1000;

/// Limits that are set, or a dash.
pub(crate) fn set(limits: Limits) -> String {
    let stored = limits.to_json();
    let shown: Vec<String> =
        stored.as_object().into_iter().flatten().map(|(class, number)| format!("{class}={number}")).collect();
    if shown.is_empty() { "–".to_owned() } else { shown.join(" ") }
}

fn as_json(account: &AccountRecord) -> Value {
    json!({
        "id": account.id.to_string(),
        "name": account.name,
        "limits": account.limits.to_json(),
        "created_at": rfc3339(account.created_at_ms),
        "active_keys": account.active_keys,
    })
}
