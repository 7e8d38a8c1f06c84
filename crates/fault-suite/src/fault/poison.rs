//! R10: frames that cannot be read, inputs that make no sense, flows that have no end or grow without bound, and turns that
//! panic, end their process or never come to an end. Each harms itself only.

use std::time::Duration;

use bus::publish::Outgoing;
use bus::{Bus, BusConfig};
use contracts::{subject, v1};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::fleet::{Part, Settings};
use crate::load::script::{Kind, Script};
use crate::load::{Load, Said, Spoken, Talk};
use crate::oracle::expected_executions;
use crate::patience::until;
use crate::row::Row;
use crate::scene::{Scene, Stage};
use crate::writers::Writers;

/// The lease, milliseconds: each try of a deadly input costs one.
const LEASE_MS: u64 = 2_000;
/// Customers who talk as usual.
const CUSTOMERS: usize = 300;
/// How long a new load talks before its messages are counted.
const WARMING: Duration = Duration::from_secs(2);
/// So much of what comes in is poison.
const POISONED: f64 = 0.01;
/// A runner that has ended is started again after this.
const SUPERVISED_AFTER: Duration = Duration::from_millis(500);
/// Tries after which a deadly input is given up on.
const TRIES: i32 = 5;

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let settings = Settings { lease_ms: LEASE_MS, drills: true, ..Settings::default() };
    let mut scene = Scene::open(stage, &settings).await?;
    scene.row.note(format!("lease {LEASE_MS} ms"));
    scene.run(Kind::Loops, &looping()).await?;
    scene.run(Kind::Grows, &growing()).await?;
    let mut talk = Talk::of(CUSTOMERS, stage.plan.per_second);
    talk.customers.extend([Kind::Loops, Kind::Grows, Kind::Panics].map(first_of));
    let load = scene.talk_as("load", talk.clone())?;
    let deadly = kill_with_messages(&mut scene).await?;
    let said = load.finish().await?;
    // None of the deadly messages has an execution.
    scene.become_quiet(expected_executions(&said)).await?;
    let (said, poisoned) = compare_rates(&mut scene, talk, said).await?;
    let dead = deadly.spoken.len();
    let frames = format!("{poisoned} frames and inputs, {dead} deadly messages");
    stage.say(&frames);
    scene.row.note(frames);
    scene.row.must(poisoned > 0, || "nothing was poisoned".to_owned());
    let said = said.and(deadly);
    let client = scene.database().await?;
    until("each piece of poison is a dead letter", || async {
        let count: i64 = client.query_one("SELECT count(*) FROM runner.dead_letters", &[]).await?.get(0);
        Ok((usize::try_from(count) == Ok(poisoned + dead)).then_some(()))
    })
    .await?;
    let tries = "SELECT count(*) FROM runner.dead_letters WHERE message_id IS NOT NULL AND attempts <> $1";
    let wrong: i64 = client.query_one(tries, &[&TRIES]).await?.get(0);
    scene.row.must(wrong == 0, || format!("{wrong} messages were not tried {TRIES} times"));
    scene.close(&said).await
}

fn first_of(kind: Kind) -> Spoken {
    Spoken::nothing(Script { kind, number: 0, lanes: 1 })
}

/// One message that aborts each process that takes it, and one that hangs each; runners are started again until both are
/// given up on.
async fn kill_with_messages(scene: &mut Scene) -> Result<Said, Failure> {
    let customers = [Kind::Aborts, Kind::Hangs].map(first_of).into();
    let talk = Talk { customers, turns_max: 1, ..Talk::of(0, 10) };
    let said = scene.talk_as("deadly", talk)?.wait().await?;
    let client = scene.database().await?;
    let begun = Instant::now();
    let mut dead = 0;
    while dead < said.spoken.len() {
        supervise(scene).await?;
        let count = "SELECT count(*) FROM runner.dead_letters WHERE message_id IS NOT NULL";
        let count: i64 = client.query_one(count, &[]).await?.get(0);
        dead = usize::try_from(count).unwrap_or(0);
        if begun.elapsed() > crate::patience::PATIENCE {
            return Err(Failure::broken(format!("{dead} of 2 deadly messages are dead letters")));
        }
    }
    scene.row.note(format!("deadly messages given up on after {:.0} s", begun.elapsed().as_secs_f64()));
    Ok(said)
}

/// The same customers as fast as they can, without poison and with it.
async fn compare_rates(scene: &mut Scene, talk: Talk, said: Said) -> Result<(Said, usize), Failure> {
    let lasts = scene.stage.load_time();
    let fast = Talk { per_second: 10_000, waits: true, ..talk };
    let (usual, odd) = said.spoken.iter().partition(|spoken| spoken.script.kind.is_usual());
    let load = scene.talk_as("alone", Talk { customers: usual, ..fast.clone() })?;
    rate(scene, &load, WARMING).await?;
    let alone = rate(scene, &load, lasts / 3).await?;
    let said = load.finish().await?.with_tally(said.tally).and(Said { spoken: odd, ..Said::default() });
    let load = scene.talk_as("beside", Talk { customers: said.spoken.clone(), ..fast })?;
    let every = Duration::from_secs_f64(1.0 / (alone * POISONED).max(1.0));
    let poison = Poison::start(scene, every).await?;
    let beside = rate(scene, &load, lasts).await?;
    let poisoned = poison.stop().await?;
    let percent = 100.0 * beside / alone;
    scene.row.note(format!("{beside:.0} messages/s, {percent:.0} % of those without poison (target 95 %)"));
    Ok((load.finish().await?.with_tally(said.tally), poisoned))
}

/// Messages that are handled in a second.
async fn rate(scene: &mut Scene, load: &Load, lasts: Duration) -> Result<f64, Failure> {
    let (begun, before) = (Instant::now(), load.acknowledged());
    while begun.elapsed() < lasts {
        supervise(scene).await?;
    }
    let handled = u32::try_from(load.acknowledged() - before).unwrap_or(u32::MAX);
    Ok(f64::from(handled) / begun.elapsed().as_secs_f64())
}

/// Starts runners again that have ended.
async fn supervise(scene: &mut Scene) -> Result<(), Failure> {
    let ended = scene.fleet.ended();
    sleep(SUPERVISED_AFTER).await;
    for (part, status) in ended {
        scene.stage.say(&format!("{part} has ended with {status} and is started again"));
        scene.row.must(matches!(part, Part::Runner(_)), || format!("{part} has ended with {status}"));
        scene.fleet.begin(part)?;
    }
    Ok(())
}

/// What is put into the stream by hand.
struct Poison {
    stop: oneshot::Sender<()>,
    /// Gives how many pieces there are.
    pouring: JoinHandle<usize>,
}

impl Poison {
    async fn start(scene: &Scene, every: Duration) -> Result<Self, Failure> {
        let bus = Bus::connect(&BusConfig::for_url(&scene.fleet.nats.url()), "poison").await?;
        let (groups, rng) = (scene.stage.groups(), scene.stage.rng("poison"));
        let (stop, stopped) = oneshot::channel();
        let pouring = tokio::spawn(pour(bus, groups, every, stopped, rng));
        Ok(Self { stop, pouring })
    }

    /// Stops between two pieces, so that none is in the stream and not counted, and says how many there are.
    async fn stop(self) -> Result<usize, Failure> {
        self.stop.send(()).ok();
        self.pouring.await.map_err(|error| Failure::broken(format!("pouring has failed: {error}")))
    }
}

async fn pour(
    bus: Bus,
    groups: u32,
    every: Duration,
    mut stopped: oneshot::Receiver<()>,
    mut rng: StdRng,
) -> usize {
    let writers = Writers::start(&bus, groups);
    let mut pieces = 0;
    loop {
        let pause = every.mul_f64(rng.random_range(0.0..2.0));
        if tokio::time::timeout(pause, &mut stopped).await.is_ok() {
            return pieces;
        }
        let poured = if rng.random() {
            // The first field is said to be longer than the frame.
            let mut payload = vec![0x0a, 0xff, 0xff, 0x7f];
            payload.extend((0..rng.random_range(0..200)).map(|_| rng.random::<u8>()));
            let subject = subject::turns(rng.random_range(0..groups));
            let frame = Outgoing { subject, headers: Vec::new(), payload: payload.into() };
            bus.publish_all(&[frame]).await.is_ok()
        } else {
            let partition = rng.random_range(0..contracts::partition::PARTITIONS_DEFAULT);
            let input = v1::Input { partition, channel: "pigeon".to_owned(), ..v1::Input::default() };
            writers.append(input).await.is_ok()
        };
        pieces += usize::from(poured);
    }
}

/// A flow that goes round for ever.
fn looping() -> Value {
    json!({
        "name": "Loop",
        "description": "goes round",
        "channel": "web",
        "configuration": {
            "trigger": {"type": "message", "keywords": ["loop"]},
            "nodes": [
                {"id": "one", "type": "set", "values": {"place": "here"}, "next": "two"},
                {"id": "two", "type": "set", "values": {"place": "there"}, "next": "one"}
            ]
        }
    })
}

/// A flow whose variable doubles for ever.
fn growing() -> Value {
    json!({
        "name": "Grow",
        "description": "grows",
        "channel": "web",
        "configuration": {
            "trigger": {"type": "message", "keywords": ["grow"]},
            "nodes": [
                {"id": "seed", "type": "set", "values": {"text": "0123456789"}, "next": "double"},
                {"id": "double", "type": "set", "values": {"text": "{{ vars.text }}{{ vars.text }}"}, "next": "double"}
            ]
        }
    })
}
