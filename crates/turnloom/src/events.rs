//! `turnloom events`: tails the events of an account through a durable subscription.
//!
//! NATS remembers by the subscription's name what was shown, so nothing is missed between two runs. A bus message is
//! shown whole and then acknowledged; what was fetched and not shown is given back. An event may be shown twice after
//! a crash; its id is the same then.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use bus::events::{self, Begin, EventMessage, SubscribeError, Subscription};
use bus::{Bus, BusConfig};
use contracts::subject;
use flow_model::AccountId;
use platform::lifecycle::Shutdown;
use serde_json::Value;

use crate::output::Format;
use crate::printing::{self, eprintln};
use crate::run_file::RunFile;

/// Bus messages fetched at once. With a limit they are fetched one by one, so that none is fetched in vain.
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
    /// Name of the subscription, which has its own place in the stream; made of account and type unless given
    #[arg(long)]
    name: Option<String>,
    /// Begins with new events instead of all that are kept, when the subscription is made
    #[arg(long)]
    new: bool,
    /// Ends after at least so many events: those that came in one bus message are shown together
    #[arg(long)]
    limit: Option<u64>,
}

impl Arguments {
    /// The name that was given, or one for each account and type, of characters that NATS takes.
    fn subscription(&self) -> String {
        let default = || {
            let parts = ["turnloom-events", &self.account].into_iter().chain(self.event_type.as_deref());
            let name: Vec<&str> = parts.collect();
            name.join("-").replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_")
        };
        self.name.clone().unwrap_or_else(default)
    }
}

/// Shows events until Ctrl-C.
///
/// # Errors
/// When NATS cannot be reached at first, the name is that of another subscription, or the output is closed.
pub async fn run(arguments: Arguments, data_dir: &Path, format: Format) -> anyhow::Result<()> {
    let nats_url = match &arguments.nats_url {
        Some(url) => url.clone(),
        None => RunFile::read(data_dir)?.nats_url,
    };
    let bus = Bus::connect(&BusConfig::for_url(&nats_url), "turnloom-events").await?;
    let ended = tail(&bus, &arguments, format).await;
    // Nothing waits for single acknowledgements: NATS has heard all of them when it answers this.
    bus.check().await.ok();
    ended
}

async fn subscribe(bus: &Bus, arguments: &Arguments, begin: Begin) -> anyhow::Result<Subscription> {
    let event_type = arguments.event_type.as_deref().unwrap_or(">");
    let filter = subject::events(AccountId::named(&arguments.account), event_type);
    match Subscription::durable(bus, &arguments.subscription(), &filter, begin).await {
        Ok(subscription) => Ok(subscription),
        Err(error @ SubscribeError::Taken { .. }) => bail!("{error}: choose another --name"),
        Err(error) => Err(error.into()),
    }
}

async fn tail(bus: &Bus, arguments: &Arguments, format: Format) -> anyhow::Result<()> {
    let begin = if arguments.new { Begin::New } else { Begin::All };
    let mut subscription = subscribe(bus, arguments, begin).await?;
    let mut incarnation = events::stream(bus).await?.incarnation;
    let shutdown = Shutdown::on_signals();
    let messages_max = if arguments.limit.is_some() { 1 } else { MESSAGES_MAX };
    let mut left = arguments.limit.unwrap_or(u64::MAX);
    while left > 0 && !shutdown.is_requested() {
        match subscription.next_batch(messages_max, WAIT).await {
            Ok(messages) => {
                let shown = show_all(&messages, format, &shutdown).await?;
                left = left.saturating_sub(shown);
            }
            Err(error) => {
                eprintln!("{error}; trying again");
                tokio::time::sleep(PAUSE).await;
                // A stream that was made again knows nothing of the subscription, and all that it has is new.
                if let Ok(stream) = events::stream(bus).await
                    && stream.incarnation != incarnation
                    && let Ok(again) = subscribe(bus, arguments, Begin::All).await
                {
                    (subscription, incarnation) = (again, stream.incarnation);
                }
            }
        }
    }
    Ok(())
}

/// Shows bus messages until the stop, or until nobody looks; the others are given back. Gives how many events it showed.
async fn show_all(messages: &[EventMessage], format: Format, shutdown: &Shutdown) -> anyhow::Result<u64> {
    let mut shown = Ok(0);
    for message in messages {
        let before = match &shown {
            Ok(before) if !shutdown.is_requested() => *before,
            Ok(_) | Err(_) => {
                message.give_back().await.ok();
                continue;
            }
        };
        shown = show(message, format).map(|events| before + events);
        // One that cannot be told comes again.
        let told = if shown.is_ok() { message.ack().await } else { message.give_back().await };
        told.ok();
    }
    shown
}

/// Shows the events of a bus message; gives how many.
fn show(message: &EventMessage, format: Format) -> anyhow::Result<u64> {
    let events: Vec<Value> = serde_json::from_slice(&message.payload).context("an event cannot be read")?;
    let mut text = String::new();
    for event in &events {
        if format.json {
            writeln!(text, "{event}")?;
        } else {
            writeln!(text, "{}", line(event))?;
        }
    }
    printing::write(format_args!("{text}"))?;
    Ok(u64::try_from(events.len())?)
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
