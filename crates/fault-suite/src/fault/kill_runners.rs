//! R1: a random runner is killed every 3 s and started again a second later.

use std::time::Duration;

use rand::RngExt;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::fleet::{Part, Settings};
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// From one kill to the next.
const KILL_EVERY: Duration = Duration::from_secs(3);
/// How long a killed runner is away, milliseconds.
const AWAY_MS: std::ops::Range<u64> = 500..1_500;

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let settings = Settings::default();
    let mut scene = Scene::open(stage, &settings).await?;
    let mut rng = stage.rng("kills");
    let load = scene.talk()?;
    let begun = Instant::now();
    while begun.elapsed() < stage.load_time() {
        let part = Part::Runner(rng.random_range(0..settings.runners));
        stage.say(&format!("kill -9 {part}, {} messages so far", load.acknowledged()));
        scene.fleet.kill(part);
        let away = Duration::from_millis(rng.random_range(AWAY_MS));
        sleep(away).await;
        scene.fleet.begin(part)?;
        sleep(KILL_EVERY.saturating_sub(away)).await;
    }
    let said = load.finish().await?;
    scene.close(&said).await
}
