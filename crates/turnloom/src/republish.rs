//! `turnloom republish`: events and replies of a span once more, for subscribers that have lost what they had heard.

use std::time::Duration;

use anyhow::anyhow;
use bus::rpc::CallError;
use contracts::{subject, v1};
use platform::clock::rfc3339;
use serde_json::json;

use crate::connection::Connection;
use crate::metrics::moment;
use crate::output::{self, Format, GREEN, styled};
use crate::printing::println;

/// All commits of the span are gone through.
const DEADLINE: Duration = Duration::from_mins(10);

/// What `republish` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// From this date or time, at most 72 hours ago: what is older is not kept
    #[arg(long)]
    since: String,
    /// Partitions that committed nothing from then to this date or time are left out; now unless given
    #[arg(long)]
    until: Option<String>,
    /// Where NATS is; that of the `turnloom up` in the data directory unless set
    #[arg(long, env = "TURNLOOM_NATS_URL", hide_env_values = true)]
    nats_url: Option<String>,
}

/// Has every commit of the span told again, and those after it in the same partitions, so that the order stays right.
///
/// # Errors
/// When NATS or the runners cannot be reached, or the span is none.
pub async fn run(arguments: Arguments, connection: &Connection, format: Format) -> anyhow::Result<()> {
    let now = platform::clock::now();
    let from_ms = moment(&arguments.since)?.timestamp_millis();
    let until = arguments.until.as_deref().map(moment).transpose()?;
    let to_ms = until.unwrap_or(now).timestamp_millis();
    let bus = connection.bus(arguments.nats_url.as_deref(), "turnloom-republish").await?;
    let request = v1::RepublishRequest { from_ms, to_ms };
    let asked = bus.rpc().call(subject::runner::REPUBLISH, &request, DEADLINE).await;
    let answer: v1::RepublishResponse = asked.map_err(|error| match error {
        CallError::Refused(failure) => anyhow!("{}: {}", failure.code, failure.details),
        error @ (CallError::Unavailable(_) | CallError::TimedOut) => error.into(),
    })?;
    if format.json {
        let told = json!({"commits": answer.commits, "since": rfc3339(from_ms), "until": rfc3339(to_ms)});
        return output::json(&told);
    }
    println!("{} {} commits are told again", styled(GREEN, "✓"), answer.commits);
    Ok(())
}
