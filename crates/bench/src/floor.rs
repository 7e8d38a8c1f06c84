//! The floor: the same frames, the same rows, the same messages as the runner's, with no product code between.
//!
//! It reads what the gateway put into the stream, and writes one transaction for each batch: cursors, conversations, customers,
//! executions, keys, counters, the outbox. Meanwhile it publishes what the batch before tells: as many messages, as large,
//! as the runner published for as many executions. What nobody can do without is what nothing can be faster than.

mod pattern;
mod write;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Context;
use bus::publish::Outgoing;
use bus::reader::{Reader, StreamMessage};
use bus::{Bus, BusConfig, frames};
use bytes::Bytes;
use contracts::{subject, v1};
use pg::PgConfig;
use prost::Message;
use tokio_postgres::Client;

use crate::number::{count, each, real};
use crate::product::Services;
use crate::progress;
use crate::usage::Usage;
use pattern::Pattern;
use write::{Batch, Writer};

/// The schema that the runner's tables live in.
const SCHEMA: &str = "runner";
/// Inputs of one transaction: as many as the runner takes unless it is told otherwise.
const BATCH_INPUTS: usize = 1024;
/// Frames that are read at once.
const FRAMES_MAX: usize = 64;
/// A stream that has nothing for so long has been read.
const WAIT: Duration = Duration::from_secs(2);

/// What nothing can be faster than.
#[derive(Debug, Clone, Copy)]
pub struct Floor {
    /// Executions written and told in a second.
    pub per_second: f64,
    /// CPU time of all processes for each, microseconds.
    pub cpu_each: f64,
    /// Bytes to disk for each; none when nobody may know.
    pub written_each: Option<f64>,
}

/// The frames that wait for the runner, which removes what it has handled.
///
/// # Errors
/// When they cannot be read.
pub async fn frames_of(services: &Services) -> anyhow::Result<Vec<Bytes>> {
    let bus = Bus::connect(&BusConfig::for_url(&services.nats.url()), "bench floor").await?;
    let mut reader = frames::read(&bus, 0, 1).await?;
    let mut frames: Vec<Bytes> = Vec::new();
    loop {
        let read = reader.next_batch(FRAMES_MAX, WAIT).await?;
        if read.is_empty() {
            return Ok(frames);
        }
        for message in read {
            // Markers alone are nothing to handle.
            if !v1::Frame::decode(&*message.payload).context("a frame cannot be read")?.inputs.is_empty() {
                frames.push(Bytes::copy_from_slice(&message.payload));
            }
        }
    }
}

/// Puts frames into the stream again, and gives the place of the first one.
async fn put(bus: &Bus, frames: &[Bytes]) -> anyhow::Result<u64> {
    let first = frames::stream(bus, 0).await?.last_seq + 1;
    for some in frames.chunks(FRAMES_MAX) {
        let some: Vec<Outgoing> = some
            .iter()
            .map(|frame| Outgoing { subject: subject::turns(0), headers: Vec::new(), payload: frame.clone() })
            .collect();
        bus.publish_all(&some).await?;
    }
    Ok(first)
}

/// Handles these frames, once more. The runner must not run; what it wrote is removed before.
///
/// # Errors
/// When database or broker refuse.
pub async fn measure(services: &Services, frames: &[Bytes]) -> anyhow::Result<Floor> {
    progress::say("floor: taking over what the runner wrote");
    let url = services.postgres.url();
    let client = connect(&url).await?;
    let bus = Bus::connect(&BusConfig::for_url(&services.nats.url()), "bench floor").await?;
    let mut pattern = Pattern::take(&client, &bus).await?;
    let mut writer = Writer::begin(client).await?;
    let first = put(&bus, frames).await?;
    checkpoint(&url).await?;
    let inputs = pattern.executions;
    let roots = services.servers();
    let mut reader = frames::read(&bus, 0, first).await?;
    let (before, begun) = (Usage::now(&roots), Instant::now());
    let (mut done, mut told, mut waiting) = (0, Vec::new(), VecDeque::new());
    while done < inputs {
        let batch = next_batch(&mut reader, &mut waiting).await?;
        anyhow::ensure!(!batch.inputs.is_empty(), "only {done} of {inputs} inputs are in the stream");
        let tells = pattern.told_by(count(batch.inputs.len()));
        let (written, published) = futures::join!(writer.commit(&batch, &pattern), bus.publish_all(&told));
        written?;
        published?;
        done += count(batch.inputs.len());
        told = tells;
    }
    bus.publish_all(&told).await?;
    let (seconds, used) = (begun.elapsed().as_secs_f64(), Usage::now(&roots).since(&before));
    progress::say(&format!("floor: {done} executions in {seconds:.2} s"));
    let cpu = used.sum().cpu_micros + used.load.cpu_micros;
    Ok(Floor {
        per_second: real(done) / seconds,
        cpu_each: each(real(cpu), done),
        written_each: used.written_bytes.map(|bytes| each(real(bytes), done)),
    })
}

/// Whole frames, until there are enough inputs or nothing more is there.
async fn next_batch(reader: &mut Reader, waiting: &mut VecDeque<StreamMessage>) -> anyhow::Result<Batch> {
    let mut batch = Batch::default();
    while batch.inputs.len() < BATCH_INPUTS {
        if waiting.is_empty() {
            // What is there is worth writing; only who has nothing waits.
            let wait = if batch.inputs.is_empty() { WAIT } else { Duration::ZERO };
            waiting.extend(reader.next_batch(FRAMES_MAX, wait).await?);
        }
        let Some(message) = waiting.pop_front() else { break };
        batch.add(message.seq, v1::Frame::decode(message.payload).context("a frame cannot be read")?);
    }
    Ok(batch)
}

/// Lets the database write out what it has, so that nobody pays for what was done before.
///
/// # Errors
/// When it is away.
pub async fn checkpoint(url: &str) -> anyhow::Result<()> {
    let client = connect(url).await?;
    client.batch_execute("CHECKPOINT").await.context("CHECKPOINT")
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let config = PgConfig { database_timeout_ms: 120_000, ..PgConfig::for_url(url) };
    Ok(pg::raw::connect(&config, SCHEMA).await?)
}
