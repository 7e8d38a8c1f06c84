//! R4: the broker is killed and comes back after a while. Meanwhile every message is refused with the time to try again,
//! and no request hangs.

use std::time::Duration;

use rand::RngExt;
use tokio::time::sleep;

use crate::failure::Failure;
use crate::fleet::Settings;
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// How long the broker is away, seconds: in the short form, and otherwise.
const AWAY_SECONDS: [&[u64]; 2] = [&[2], &[0, 2, 20]];
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
        stage.say(&format!("kill -9 the broker for {seconds} s, {} messages so far", load.acknowledged()));
        let before = load.tally();
        scene.fleet.kill_nats();
        sleep(Duration::from_secs(*seconds)).await;
        let meanwhile = load.tally();
        scene.fleet.start_nats()?;
        let refused = meanwhile.refused - before.refused;
        scene.row.must(*seconds == 0 || refused > 0, || "nothing was refused without a broker".to_owned());
        let drained = scene.catch_up(&load).await?;
        scene.row.time(format!("handled after {seconds} s without broker"), drained, DRAINED_TARGET);
    }
    sleep(Duration::from_millis(rng.random_range(SERVES_MS))).await;
    let said = load.finish().await?;
    scene.close(&said).await
}
