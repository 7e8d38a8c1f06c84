//! R12: the runners are down while very many messages come in, and are started then. They handle all of them, in little
//! memory.

use std::ops::Range;

use bus::{Bus, BusConfig};
use contracts::v1::{self, input::Kind as InputKind};
use contracts::{partition, subject};
use flow_model::{AccountId, ExecutionId};
use futures::future::try_join_all;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::fleet::{Part, Settings};
use crate::load::script::Script;
use crate::load::{Said, Spoken};
use crate::row::Row;
use crate::scene::{Scene, Stage};
use crate::writers::Writers;

/// Customers, and messages of each: in the short form, and otherwise.
pub(super) const CUSTOMERS: usize = 2_000;
const TURNS: [usize; 2] = [10, 100];
/// Memory of one runner at most, MiB.
const MEMORY_MAX_MIB: u64 = 200;
/// Messages that are waited for at once.
const STEP: usize = 10_000;

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let settings = Settings::default();
    let mut scene = Scene::open(stage, &settings).await?;
    let runners: Vec<Part> = (0..settings.runners).map(Part::Runner).collect();
    for part in &runners {
        scene.fleet.end(*part).await?;
    }
    let [short, usual] = TURNS;
    let turns = if stage.plan.short { short } else { usual };
    stage.say(&format!("{} messages while no runner runs", turns * CUSTOMERS));
    let spoken = write(&scene, 0..turns).await?;
    let said = Said { spoken, ..Said::default() };
    for part in &runners {
        scene.fleet.begin(*part)?;
    }
    let (messages, begun) = (said.messages(), Instant::now());
    for step in 1..=messages / STEP {
        scene.handled(step * STEP).await?;
        stage.say(&format!("{} of {messages} messages handled", step * STEP));
    }
    let took = begun.elapsed();
    let per_second = messages as u128 * 1000 / took.as_millis().max(1);
    scene.row.note(format!("handled in {:.0} s, {per_second}/s", took.as_secs_f64()));
    for part in runners {
        let memory = scene.fleet.pid(part).and_then(memory_mib);
        scene.row.note(format!("{part} at most {} MiB", memory.unwrap_or(0)));
        scene.row.must(memory.is_some_and(|memory| memory <= MEMORY_MAX_MIB), || {
            format!("I11: {part} took {memory:?} MiB, more than {MEMORY_MAX_MIB}")
        });
    }
    scene.close(&said).await
}

/// Writes frames as a gateway does: these messages of each customer. Gives what they have said in all.
pub(super) async fn write(scene: &Scene, turns: Range<usize>) -> Result<Vec<Spoken>, Failure> {
    let bus = Bus::connect(&BusConfig::for_url(&scene.fleet.nats.url()), "backlog").await?;
    let layout = bus.layout().await?;
    let layout = layout.ok_or_else(|| Failure::broken(format!("{} is missing", subject::TURNS_STREAM)))?;
    let writers = Writers::start(&bus, layout.groups);
    let account = AccountId::named("default");
    let scripts: Vec<Script> = (0..CUSTOMERS).map(Script::of_customer).collect();
    for n in turns.clone() {
        // All customers at once, and each customer's next message when all are kept.
        let inputs = scripts.iter().map(|script| {
            let (turn, customer_id) = (script.turn(n), script.customer());
            let execution = ExecutionId::new(platform::clock::new_uuid_v7());
            let message = v1::InboundMessage {
                message_id: turn.message_id,
                text: turn.says,
                ..v1::InboundMessage::default()
            };
            writers.append(v1::Input {
                partition: partition::of_customer(account, &customer_id, layout.partitions),
                account_id: account.to_vec().into(),
                execution_id: execution.to_vec().into(),
                customer_id,
                channel: "web".to_owned(),
                accepted_at_ms: execution.accepted_at_ms(),
                kind: Some(InputKind::Message(message)),
                ..v1::Input::default()
            })
        });
        try_join_all(inputs).await?;
    }
    Ok(scripts.into_iter().map(|script| Spoken { script, turns: turns.end }).collect())
}

/// The most memory that a process has had, MiB.
fn memory_mib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}
