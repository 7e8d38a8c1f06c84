//! R17: runners are killed while flows wait: for another system, for a model, for a time, for an answer that may not come.
//!
//! R1 kills runners whose turns take no time. Here nearly every conversation waits when a runner dies, in its hands or in another
//! one's: what was planned must still be done, by someone, and be told once. One of the runners does activities and nothing
//! else, and is killed like the others.

use std::sync::Arc;

use crate::failure::Failure;
use crate::fleet::{Part, Settings};
use crate::load::Talk;
use crate::load::hearing::Hearing;
use crate::load::script::{Kind, Script};
use crate::outside::Outside;
use crate::row::Row;
use crate::scene::{Scene, Stage};

use super::kill_runners::kill_for_a_while;

/// Customers of each kind.
const CUSTOMERS: usize = 60;
/// Messages that all of them begin in a second, at most.
const PER_SECOND: u32 = 80;
/// An answer of another system or the model takes so long, milliseconds.
const TAKES_MS: std::ops::RangeInclusive<u64> = 100..=2_000;

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let outside = Outside::start(stage.seed, TAKES_MS);
    let settings = Settings { workers: 1, runner_flags: outside.runner_flags(), ..Settings::default() };
    let mut scene = Scene::open(stage, &settings).await?;
    outside.set_up(&mut scene).await?;
    let hearing = Arc::new(Hearing::start(&scene.fleet.nats.url()).await?);
    let kinds = [Kind::Order, Kind::Ask, Kind::Remind, Kind::Quiz];
    let scripts = (0..CUSTOMERS).flat_map(|number| kinds.map(|kind| Script { kind, number, lanes: 1 }));
    let load = scene.talk_as("load", Talk::listening(scripts, PER_SECOND, &hearing))?;
    let runners = (0..settings.runners).map(Part::Runner);
    let parts: Vec<Part> = runners.chain((0..settings.workers).map(Part::Worker)).collect();
    kill_for_a_while(&mut scene, &load, &parts).await?;
    let said = load.finish().await?;
    let mut row = scene.close(&said).await?;
    outside.compare(&mut row, &said);
    Ok(row)
}
