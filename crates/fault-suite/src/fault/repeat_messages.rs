//! R9: each message is sent one to five times, also at once to both gateways, and now and then once more later.

use tokio::time::sleep;

use crate::failure::Failure;
use crate::fleet::Settings;
use crate::load::Talk;
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// Customers.
const CUSTOMERS: usize = 200;

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let mut scene = Scene::open(stage, &Settings::default()).await?;
    // Each message is about three requests.
    let per_second = stage.plan.per_second.div_ceil(2);
    let load = scene.talk_as("load", Talk { repeats: true, ..Talk::of(CUSTOMERS, per_second) })?;
    sleep(stage.load_time()).await;
    let said = load.finish().await?;
    scene.row.note(format!("{} requests", said.tally.ok));
    scene.row.must(said.tally.ok > said.messages(), || "nothing was repeated".to_owned());
    scene.close(&said).await
}
