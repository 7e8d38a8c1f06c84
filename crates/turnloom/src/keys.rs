//! `turnloom keys …`: keys of any account, for operators. See `turnloom accounts` for how it reaches them.

use anyhow::{Context, bail};
use flow_model::{ApiKeyId, duration};
use gateway::key::{ApiKey, Level};
use gateway::keys::{
    AccountName, Desk, EXPIRY_MS_MAX, KeyRecord, KeyStatus, Limits, NAME_CHARS_MAX, NewKey, OVERLAP_MAX_MS,
};
use gateway::span::Span;
use platform::clock::{self, rfc3339};
use serde_json::{Value, json};

use crate::accounts::{Database, set};
use crate::connection::Connection;
use crate::metrics;
use crate::output::{self, BOLD, DIM, Format, GREEN, RED, YELLOW, short, styled};
use crate::printing::println;

/// What `keys` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Whose
    #[arg(long, default_value = "default", global = true)]
    account: AccountName,
    #[command(flatten)]
    database: Database,
}

/// What to do with keys.
#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    /// Makes a key and shows its secret, once
    Create(Create),
    /// Lists the keys of an account, newest first
    List {
        /// Only with this status: active, expired, revoked
        #[arg(long, value_parser = status)]
        status: Option<KeyStatus>,
        /// At most so many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Ends a key for ever, with all its secrets and what OAuth clients were given by it: every gateway refuses them within a second
    Revoke {
        /// Its id
        #[arg(id = "api_key", value_name = "KEY")]
        key: ApiKeyId,
    },
    /// Gives a key a new secret, and shows it, once
    Rotate {
        /// Its id
        #[arg(id = "api_key", value_name = "KEY")]
        key: ApiKeyId,
        /// How long the secret before stays valid, 30 days at most; `0s` ends it within a second
        #[arg(long, default_value = "24h", value_parser = overlap)]
        overlap: i64,
    },
}

/// What `create` takes.
#[derive(Debug, Clone, clap::Args)]
struct Create {
    /// What to call it; 100 characters at most
    #[arg(value_parser = name)]
    name: String,
    /// `read_only`, `read_write` or `full_access`
    #[arg(long, default_value = "read_write")]
    level: Level,
    /// When its time is over: a date, a time, or a duration from now such as `90d`; never unless given
    #[arg(long, value_parser = expiry)]
    expires: Option<i64>,
    /// Requests of a class in any hour, such as `read=5000`, whatever its account has; can be given several times
    #[arg(long = "limit", value_name = "CLASS=NUMBER")]
    limits: Vec<String>,
}

/// Does it.
///
/// # Errors
/// When there is no such account or key, or the database cannot be reached.
pub async fn run(arguments: Arguments, connection: &Connection, format: Format) -> anyhow::Result<()> {
    let Arguments { command, account, database } = arguments;
    let office = database.open(connection)?;
    let desk = &office.desk;
    match command {
        Command::Create(wanted) => {
            let limits = Limits::parse(wanted.limits.iter().map(String::as_str)).context("--limit")?;
            let wanted =
                NewKey { name: wanted.name, level: wanted.level, limits, expires_at_ms: wanted.expires };
            let made = desk.create(account.id(), wanted).await.with_context(|| account.to_string())?;
            let id = made.0.id.to_string();
            show_secret("is made", made, format)?;
            office.note(account.id(), "createApiKey", id).await
        }
        Command::List { status, limit } => list(desk, &account, status, limit, format).await,
        Command::Revoke { key } => {
            desk.revoke(account.id(), key).await.with_context(|| of(key, &account))?;
            office.note(account.id(), "revokeApiKey", key.to_string()).await?;
            let shown = desk.get(account.id(), key).await?;
            output::done(format, &as_json(&shown), |_| format!("{} is revoked", shown.name))
        }
        Command::Rotate { key, overlap } => {
            let rotated = desk.rotate(account.id(), key, overlap).await;
            let rotated = rotated.with_context(|| of(key, &account))?;
            show_secret("has a new secret", rotated, format)?;
            office.note(account.id(), "rotateApiKey", key.to_string()).await
        }
    }
}

fn of(key: ApiKeyId, account: &AccountName) -> String {
    format!("{key} of {account}")
}

async fn list(
    desk: &Desk,
    account: &AccountName,
    status: Option<KeyStatus>,
    limit: u32,
    format: Format,
) -> anyhow::Result<()> {
    // An account that is not there is no account without keys.
    desk.account(account.id()).await.with_context(|| account.to_string())?;
    let found = desk.list(account.id(), status, Span::first(limit)).await?;
    if format.json {
        return output::json(&found.rows.iter().map(as_json).collect());
    }
    table(&found.rows);
    Ok(())
}

fn show_secret(done: &str, (key, secret): (KeyRecord, ApiKey), format: Format) -> anyhow::Result<()> {
    if format.json {
        let mut shown = as_json(&key);
        if let Some(members) = shown.as_object_mut() {
            members.insert("secret".to_owned(), secret.expose().into());
        }
        return output::json(&shown);
    }
    println!("{} {} {done}  {}", styled(GREEN, "✓"), key.name, styled(DIM, &key.id.to_string()));
    println!("  {}  {}", styled(BOLD, secret.expose()), styled(DIM, "not to be had again"));
    if let Some(until) = key.overlap_until_ms {
        println!("  {}", styled(DIM, &format!("the secret before is valid until {}", moment(Some(until)))));
    }
    Ok(())
}

/// Keys as people read them.
pub(crate) fn table(keys: &[KeyRecord]) {
    let row = |key: &KeyRecord| {
        let style = match key.status {
            KeyStatus::Active => GREEN,
            KeyStatus::Expired => YELLOW,
            KeyStatus::Revoked => RED,
        };
        vec![
            short(&key.name, 30),
            key.level.as_str().to_owned(),
            styled(style, key.status.as_str()),
            set(key.limits),
            moment(Some(key.created_at_ms)),
            moment(key.expires_at_ms),
            moment(key.last_used_at_ms),
            key.id.to_string(),
        ]
    };
    let headings = ["NAME", "LEVEL", "STATUS", "LIMITS SET", "CREATED", "EXPIRES", "LAST USED", "ID"];
    output::table(&headings, keys.iter().map(row).collect());
}

/// A time to the second, or a dash.
pub(crate) fn moment(ms: Option<i64>) -> String {
    ms.map_or_else(
        || "–".to_owned(),
        |ms| rfc3339(ms - ms.rem_euclid(1000)).replace('T', " ").replace(".000Z", "Z"),
    )
}

/// A key as the API shows it.
pub(crate) fn as_json(key: &KeyRecord) -> Value {
    json!({
        "id": key.id.to_string(),
        "name": key.name,
        "level": key.level.as_str(),
        "status": key.status.as_str(),
        "limits": key.limits.to_json(),
        "created_at": rfc3339(key.created_at_ms),
        "expires_at": key.expires_at_ms.map(rfc3339),
        "revoked_at": key.revoked_at_ms.map(rfc3339),
        "rotated_at": key.rotated_at_ms.map(rfc3339),
        "overlap_until": key.overlap_until_ms.map(rfc3339),
        "last_used_at": key.last_used_at_ms.map(rfc3339),
    })
}

fn status(text: &str) -> Result<KeyStatus, String> {
    let found = KeyStatus::ALL.into_iter().find(|status| status.as_str() == text);
    found.ok_or_else(|| "it is active, expired or revoked".to_owned())
}

fn name(text: &str) -> Result<String, String> {
    let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits && !text.trim().is_empty() {
        return Ok(text.to_owned());
    }
    Err(format!("it has 1 to {NAME_CHARS_MAX} characters, no control characters, and is not blank"))
}

fn overlap(text: &str) -> Result<i64, String> {
    let known = duration::parse_ms(text).filter(|ms| (0..=OVERLAP_MAX_MS).contains(ms));
    known.ok_or_else(|| "it is a duration such as 24h or PT30M, 30 days at most".to_owned())
}

/// Unix milliseconds.
fn expiry(text: &str) -> anyhow::Result<i64> {
    let now_ms = clock::now_ms();
    let at_ms = match duration::parse_ms(text) {
        Some(ms) => now_ms.saturating_add(ms),
        None => metrics::moment(text)?.timestamp_millis(),
    };
    if at_ms <= now_ms {
        bail!("it is over already");
    }
    if at_ms > EXPIRY_MS_MAX {
        bail!("it is beyond the year 9999: leave it out");
    }
    Ok(at_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_time_to_come_or_a_duration() {
        let year_ms = 365 * 24 * 60 * 60 * 1000;
        let in_a_year = expiry("365d").unwrap() - clock::now_ms();
        assert!((year_ms - 60_000..=year_ms).contains(&in_a_year), "{in_a_year}");
        assert_eq!(expiry("2127-01-31T10:30:00Z").unwrap(), 4_957_065_000_000);
        for bad in ["2020-01-01", "0s", "soon", "", "99999999d"] {
            assert!(expiry(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(moment(Some(1_706_178_600_007)), "2024-01-25 10:30:00Z");
        assert_eq!(moment(None), "–");
    }
}
