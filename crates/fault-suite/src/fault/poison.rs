//! R10: frames that cannot be read, inputs that make no sense, flows that have no end or grow without bound, and turns that
//! panic, end their process or never come to an end. Each harms itself only.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bus::frames::Writer;
use bus::publish::Outgoing;
use bus::{Bus, BusConfig};
use contracts::{subject, v1};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::fleet::{Part, Settings};
use crate::load::script::{Kind, Script};
use crate::load::{Said, Spoken, Talk};
use crate::patience::until;
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// The lease, milliseconds: each try of a deadly input costs one.
const LEASE_MS: u64 = 2_000;
/// Customers who talk as usual.
const CUSTOMERS: usize = 300;
/// Time between two pieces of poison in the stream, milliseconds.
const POISON_EVERY_MS: std::ops::Range<u64> = 100..600;
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
    let load = scene.talk_as("load", talk)?;
    let poison = Poison::start(&scene.fleet.nats.url(), stage.rng("poison")).await?;
    let deadly = kill_with_messages(&mut scene).await?;
    let begun = Instant::now();
    while begun.elapsed() < stage.load_time() {
        supervise(&mut scene).await?;
    }
    let poisoned = poison.stop();
    let said = load.finish().await?;
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
    pieces: Arc<AtomicUsize>,
    pouring: JoinHandle<()>,
}

impl Poison {
    async fn start(nats: &str, rng: StdRng) -> Result<Self, Failure> {
        let bus = Bus::connect(&BusConfig::for_url(nats), "poison").await?;
        let pieces = Arc::new(AtomicUsize::new(0));
        let pouring = tokio::spawn(pour(bus, Arc::clone(&pieces), rng));
        Ok(Self { pieces, pouring })
    }

    /// Stops, and says how many pieces there are.
    fn stop(self) -> usize {
        self.pouring.abort();
        self.pieces.load(Ordering::Relaxed)
    }
}

async fn pour(bus: Bus, pieces: Arc<AtomicUsize>, mut rng: StdRng) {
    let writer = Writer::start(&bus, 0);
    loop {
        sleep(Duration::from_millis(rng.random_range(POISON_EVERY_MS))).await;
        let poured = if rng.random() {
            // The first field is said to be longer than the frame.
            let mut payload = vec![0x0a, 0xff, 0xff, 0x7f];
            payload.extend((0..rng.random_range(0..200)).map(|_| rng.random::<u8>()));
            let frame = Outgoing { subject: subject::turns(0), headers: Vec::new(), payload: payload.into() };
            bus.publish_all(&[frame]).await.is_ok()
        } else {
            let partition = rng.random_range(0..contracts::partition::PARTITIONS_DEFAULT);
            let input = v1::Input { partition, channel: "pigeon".to_owned(), ..v1::Input::default() };
            writer.append(input).await.is_ok()
        };
        pieces.fetch_add(usize::from(poured), Ordering::Relaxed);
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
