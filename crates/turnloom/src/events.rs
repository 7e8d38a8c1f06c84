//! `turnloom events`: tails the events of an account through a durable subscription.
//!
//! NATS remembers by the subscription's name what was shown, so nothing is missed between two runs. An event may be
//! shown twice after a crash; its id is the same then.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use bus::events::{Begin, EventMessage, Subscription};
use bus::{Bus, BusConfig};
use contracts::subject;
use flow_model::AccountId;
use platform::lifecycle::Shutdown;
use serde_json::Value;

use crate::output::Format;
use crate::run_file::RunFile;

/// Bus messages fetched at once.
const MESSAGES_MAX: usize = 100;
/// How long a fetch waits for the first one.
const WAIT: Duration = Duration::from_millis(500);
/// Pause when NATS is away.
const PAUSE: Duration = Duration::from_secs(1);

/// What `turnloom events` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Where NATS is; that of the `turnloom up` in the data directory unless set
    #[arg(long, env = "TURNLOOM_NATS_URL", hide_env_values = true)]
    nats_url: Option<String>,
    /// Whose events
    #[arg(long, default_value = "default")]
    account: String,
    /// Only events of this type, such as message.sent
    #[arg(long = "type")]
    event_type: Option<String>,
    /// Name of the subscription; another name has its own place in the stream
    #[arg(long, default_value = "turnloom-events")]
    name: String,
    /// Begins with new events instead of all that are kept, when the subscription is made
    #[arg(long)]
    new: bool,
    /// Ends after so many events
    #[arg(long)]
    limit: Option<u64>,
}

/// Shows events until Ctrl-C.
///
/// # Errors
/// When NATS cannot be reached at first, or the output is closed.
pub async fn run(arguments: Arguments, data_dir: &Path, format: Format) -> anyhow::Result<()> {
    let nats_url = match &arguments.nats_url {
        Some(url) => url.clone(),
        None => RunFile::read(data_dir)?.nats_url,
    };
    let bus = Bus::connect(&BusConfig::for_url(&nats_url), "turnloom-events").await?;
    let event_type = arguments.event_type.as_deref().unwrap_or(">");
    let filter = subject::events(AccountId::named(&arguments.account), event_type);
    let begin = if arguments.new { Begin::New } else { Begin::All };
    let subscription = Subscription::durable(&bus, &arguments.name, &filter, begin).await?;
    let shutdown = Shutdown::on_signals();
    let mut left = arguments.limit.unwrap_or(u64::MAX);
    while left > 0 && !shutdown.is_requested() {
        match subscription.next_batch(MESSAGES_MAX, WAIT).await {
            Ok(messages) => {
                for message in messages {
                    left = left.saturating_sub(show(&message, format.json, left)?);
                    if left > 0 || arguments.limit.is_none() {
                        message.ack().await.ok();
                    } else {
                        message.ack().await?;
                        break;
                    }
                }
            }
            Err(error) => {
                eprintln!("{error}; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    Ok(())
}

/// Shows the events of a bus message, at most `most`; gives how many.
fn show(message: &EventMessage, json: bool, most: u64) -> anyhow::Result<u64> {
    let events: Vec<Value> = serde_json::from_slice(&message.payload).context("an event cannot be read")?;
    let mut out = std::io::stdout().lock();
    let mut shown = 0;
    for event in events.iter().take(usize::try_from(most).unwrap_or(usize::MAX)) {
        if json {
            writeln!(out, "{event}")?;
        } else {
            writeln!(out, "{}", line(event))?;
        }
        shown += 1;
    }
    out.flush()?;
    Ok(shown)
}

/// An event for people: when, what, of whom, and the most telling of its data.
fn line(event: &Value) -> String {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let number = event.pointer("/data/conversation_seq").and_then(Value::as_u64).unwrap_or_default();
    let telling = ["/data/message", "/data/keyword", "/data/status", "/data/workflow_id"]
        .into_iter()
        .map(text)
        .find(|text| !text.is_empty())
        .unwrap_or_default();
    format!(
        "{}  {:<18} {:<10} {:<16} #{number:<5} {}",
        text("/time"),
        text("/type"),
        text("/data/channel"),
        text("/data/customer_id"),
        telling.replace(['\n', '\r'], " ")
    )
}
