//! R11: one customer sends thousands of messages without waiting. The others hardly notice.

use tokio::time::sleep;

use crate::failure::Failure;
use crate::fleet::Settings;
use crate::load::script::{Kind, Script};
use crate::load::{Spoken, Talk};
use crate::row::{Row, percentile_of};
use crate::scene::{Scene, Stage};

/// Messages of the customer who does not wait, and how many are under way at once.
const FLOOD: usize = 5_024;
const LANES: usize = 32;
/// The other customers, and how many messages they begin in a second.
const OTHERS: usize = 100;
const OTHERS_PER_SECOND: u32 = 50;

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let mut scene = Scene::open(stage, &Settings::default()).await?;
    let others = Talk { waits: true, ..Talk::of(OTHERS, OTHERS_PER_SECOND) };
    stage.say("the others alone");
    let load = scene.talk_as("alone", others.clone())?;
    sleep(stage.load_time() / 2).await;
    let alone = load.finish().await?;
    stage.say(&format!("{FLOOD} messages of one customer"));
    let flooder = Script { kind: Kind::Greet, number: OTHERS, lanes: LANES };
    let flood = Talk { customers: vec![Spoken::nothing(flooder)], turns_max: FLOOD, ..Talk::of(0, 10_000) };
    let flood = scene.talk_as("flood", flood)?;
    let load = scene.talk_as("beside", Talk { customers: alone.spoken.clone(), ..others })?;
    let rush = flood.wait().await?;
    let handled = scene.handled(load.acknowledged() + rush.messages()).await?;
    let beside = load.finish().await?;
    let base = percentile_of(&alone.tally.took, 99);
    let p99 = percentile_of(&beside.tally.took, 99);
    scene.row.note(format!("others' p99 alone {} ms", base.as_millis()));
    scene.row.time("others' p99 beside", p99, base * 2);
    scene.row.note(format!("handled {:.1} s later", handled.as_secs_f64()));
    scene.row.must(alone.tally.took.len() > 100, || "the others said too little".to_owned());
    let said = beside.with_tally(alone.tally).and(rush);
    scene.close(&said).await
}
