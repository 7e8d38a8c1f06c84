//! R4, worst case: the broker loses everything that it has stored. What was handled stays and is not done again; what
//! comes afterwards is handled, told and counted.
//!
//! An input that was accepted and not handled would be lost with the broker, so the load is silent until all are handled.

use std::time::Duration;

use tokio::time::sleep;

use crate::failure::Failure;
use crate::fleet::Settings;
use crate::load::Talk;
use crate::oracle::Told;
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// Customers; each has said something before and says something afterwards.
const CUSTOMERS: usize = 200;
/// How long the broker is away.
const AWAY: Duration = Duration::from_secs(1);
/// How soon the next message is handled after its return.
const DRAINED_TARGET: Duration = Duration::from_secs(10);

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let mut scene = Scene::open(stage, &Settings::default()).await?;
    let talk = Talk::of(CUSTOMERS, stage.plan.per_second);
    let load = scene.talk_as("before", talk.clone())?;
    sleep(stage.load_time() / 2).await;
    let before = load.finish().await?;
    scene.become_quiet(crate::oracle::expected_executions(&before)).await?;
    stage.say("kill -9 the broker, and take away all that it has");
    scene.fleet.kill_nats();
    scene.fleet.empty_nats()?;
    sleep(AWAY).await;
    scene.fleet.start_nats()?;
    let told = before.spoken.iter().map(|spoken| (spoken.script.customer(), spoken.turns)).collect();
    let talk = Talk { customers: before.spoken.clone(), ..talk };
    let load = scene.talk_as("after", talk)?;
    let drained = scene.catch_up(&load).await?;
    scene.row.time("handled with an empty broker", drained, DRAINED_TARGET);
    sleep(stage.load_time() / 2).await;
    let after = load.finish().await?.with_tally(before.tally);
    scene.close_told(&after, &Told::Since(told)).await
}
