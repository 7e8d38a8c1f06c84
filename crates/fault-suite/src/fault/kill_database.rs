//! R5: the database is killed and comes back after a while. Meanwhile messages are taken in; no service is restarted.

use std::time::Duration;

use rand::RngExt;
use tokio::time::sleep;

use crate::failure::Failure;
use crate::fleet::Settings;
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// How long the database is away, seconds: in the short form, and otherwise.
const AWAY_SECONDS: [&[u64]; 2] = [&[3], &[0, 20]];
/// How long it serves before it is killed, milliseconds.
const SERVES_MS: std::ops::Range<u64> = 2_000..4_000;
/// How soon everything is handled after its return.
const DRAINED_TARGET: Duration = Duration::from_secs(10);

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let mut scene = Scene::open(stage, &Settings::default()).await?;
    let mut rng = stage.rng("kills");
    let load = scene.talk()?;
    let [short, usual] = AWAY_SECONDS;
    for seconds in if stage.plan.short { short } else { usual } {
        sleep(Duration::from_millis(rng.random_range(SERVES_MS))).await;
        stage.say(&format!("kill -9 the database for {seconds} s, {} messages so far", load.acknowledged()));
        scene.fleet.kill_postgres();
        let before = load.acknowledged();
        sleep(Duration::from_secs(*seconds)).await;
        let taken_in = load.acknowledged() - before;
        scene.fleet.start_postgres()?;
        scene
            .row
            .must(*seconds == 0 || taken_in > 0, || "nothing was taken in without a database".to_owned());
        scene.row.note(format!("{taken_in} messages taken in during {seconds} s without database"));
        let drained = scene.catch_up(&load).await?;
        scene.row.time(format!("handled after {seconds} s without database"), drained, DRAINED_TARGET);
    }
    sleep(Duration::from_millis(rng.random_range(SERVES_MS))).await;
    let said = load.finish().await?;
    scene.close(&said).await
}
