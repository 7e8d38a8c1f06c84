//! The broker as a runner sees it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contracts::v1;
use execution_runner::partition::activity;
use execution_runner::partition::port::{Outgoing, RawFrame, Stream, Telling, Transport, Unavailable};
use rand::RngExt;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use crate::bug::Bug;
use crate::game::append;
use crate::world::{Handle, Shared, World, away, lock};

/// One runner's connection.
pub struct SimulatedTransport {
    handle: Handle,
    /// The last frame that was read, and on which life of the broker.
    reading: Option<(u64, u64)>,
}

impl SimulatedTransport {
    pub fn new(handle: Handle) -> Self {
        Self { handle, reading: None }
    }
}

impl Transport for SimulatedTransport {
    async fn stream(&self) -> Result<Stream, Unavailable> {
        self.handle
            .call("stream", |world| {
                let broker = world.broker.restarts.to_string();
                Ok(Stream {
                    incarnation: world.broker.incarnation,
                    last_seq: world.broker.last_seq,
                    first_at_ms: 0,
                    broker,
                })
            })
            .await
    }

    async fn read_after(&mut self, seq: u64) -> Result<(), Unavailable> {
        self.reading = None;
        self.handle.stalled.store(false, Ordering::Relaxed);
        let reading = self.handle.call("read", |world| Ok::<_, Unavailable>(world.broker.restarts)).await?;
        let skips = lock(&self.handle.world).bug == Some(Bug::FrameSkipped) && seq > 0;
        self.reading = Some((seq + u64::from(skips), reading));
        Ok(())
    }

    async fn next_frames(&mut self, frames_max: usize, wait: Duration) -> Result<Vec<RawFrame>, Unavailable> {
        let Some((seq, life)) = self.reading else { return Err(away("the reader")) };
        let deadline = Instant::now() + wait;
        let stirred = Arc::clone(&lock(&self.handle.world).stirred);
        loop {
            let stalled = self.handle.stalled.load(Ordering::Relaxed);
            let stirs = stirred.notified();
            let found = self
                .handle
                .call("read", |world| {
                    if world.broker.restarts != life && world.bug != Some(Bug::NotToldAgain) {
                        world.tell(|| "a reader has lost its connection".to_owned());
                        return Err(away("the connection"));
                    }
                    Ok(if stalled { Vec::new() } else { frames_after(world, seq, frames_max) })
                })
                .await?;
            if let Some(last) = found.last() {
                self.reading = Some((last.seq, life));
                return Ok(found);
            }
            if Instant::now() >= deadline {
                return Ok(Vec::new());
            }
            // Whether it stirs or not, the next look tells.
            timeout_at(deadline, stirs).await.ok();
        }
    }

    async fn publish(&self, outgoing: &[Outgoing]) -> Result<Telling, Unavailable> {
        let mut waiting = outgoing.to_vec();
        let (handle, life) = (self.handle.clone(), self.reading.map(|(_, life)| life));
        // Any part has arrived by the time when something else is done.
        let at_once = self.handle.call("publish", |world| arrive(world, life, &mut waiting));
        at_once.await?;
        Ok(Box::pin(async move {
            let mut rest = waiting.clone();
            let all = handle.call("publish", |world| {
                require_life(world, life)?;
                world.broker.published.append(&mut rest);
                Ok(())
            });
            let Err(error) = all.await else { return Ok(()) };
            // What went out before the connection broke has arrived, in order.
            arrive(&mut lock(&handle.world), life, &mut waiting).ok();
            Err(error)
        }))
    }

    async fn append(&self, inputs: Vec<v1::Input>) -> Result<(), Unavailable> {
        let frame = v1::Frame { inputs, markers: Vec::new() };
        self.handle
            .call_that_may_be_late("append", move |world| {
                append(world, &frame);
                Ok(())
            })
            .await
    }

    async fn issue(&self, activities: &[v1::Activity]) -> Result<(), Unavailable> {
        let activities = activities.to_vec();
        let shared = Arc::clone(&self.handle.world);
        self.handle
            .call("issue", |world| {
                for activity in activities {
                    begin(&shared, world, activity);
                }
                Ok(())
            })
            .await
    }

    async fn answer(&self, _subject: &str, _answers: v1::Answers) {}

    async fn purge_through(&self, incarnation: i64, seq: u64) -> Result<(), Unavailable> {
        self.handle
            .call("purge", |world| {
                if world.broker.incarnation != incarnation {
                    return Err(away("the old stream"));
                }
                let seq = if world.bug == Some(Bug::PurgedTooFar) { seq + 3 } else { seq };
                world.broker.frames.retain(|frame, _| *frame > seq);
                Ok(())
            })
            .await
    }
}

/// Some of the messages arrive, in order; the others are left.
fn arrive(world: &mut World, life: Option<u64>, messages: &mut Vec<Outgoing>) -> Result<(), Unavailable> {
    require_life(world, life)?;
    let arrived = world.rng.random_range(0..=messages.len());
    world.broker.published.extend(messages.drain(..arrived));
    Ok(())
}

/// What is sent over a connection that is lost does not arrive.
fn require_life(world: &World, life: Option<u64>) -> Result<(), Unavailable> {
    if Some(world.broker.restarts) == life || world.bug == Some(Bug::PublishesOnAnotherConnection) {
        Ok(())
    } else {
        Err(away("the connection"))
    }
}

fn frames_after(world: &World, seq: u64, frames_max: usize) -> Vec<RawFrame> {
    let frames = world.broker.frames.range(seq + 1..).take(frames_max);
    frames.map(|(seq, payload)| RawFrame { seq: *seq, payload: payload.clone() }).collect()
}

/// Somebody takes an activity, unless somebody has it already. He may die of it, be slow, or tell its end twice.
fn begin(shared: &Shared, world: &mut World, activity: v1::Activity) {
    let id = Uuid::from_slice(&activity.id).unwrap();
    if !world.broker.taken.insert(id) {
        return;
    }
    let stormy = world.stormy;
    let delay = Duration::from_millis(if stormy { world.rng.random_range(0..20_000) } else { 5 });
    let dies = stormy && world.chance(20);
    let times = if stormy && world.chance(20) { 2 } else { 1 };
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        sleep(delay).await;
        let mut world = lock(&shared);
        if dies {
            world.tell(|| "whoever did an activity has died".to_owned());
            world.broker.taken.remove(&id);
            return;
        }
        let output = json!({"status": 200, "body": activity.customer_id}).to_string();
        let result = activity::result(&activity, world.now_ms(), Ok(output.into()));
        for _ in 0..times {
            append(&mut world, &v1::Frame { inputs: vec![result.clone()], markers: Vec::new() });
        }
    });
}
