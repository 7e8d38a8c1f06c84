//! R1: a random runner is killed every 3 s and started again a second later.

use std::time::Duration;

use rand::RngExt;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::fleet::{Part, Settings};
use crate::load::Load;
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// From one kill to the next.
const KILL_EVERY: Duration = Duration::from_secs(3);
/// How long a killed runner is away, milliseconds.
const AWAY_MS: std::ops::Range<u64> = 500..1_500;

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let settings = Settings::default();
    let mut scene = Scene::open(stage, &settings).await?;
    let load = scene.talk()?;
    let parts: Vec<Part> = (0..settings.runners).map(Part::Runner).collect();
    kill_for_a_while(&mut scene, &load, &parts).await?;
    let said = load.finish().await?;
    scene.close(&said).await
}

/// Kills one of these every 3 s, and starts it again, as long as a load lasts.
pub(super) async fn kill_for_a_while(scene: &mut Scene, load: &Load, parts: &[Part]) -> Result<(), Failure> {
    let mut rng = scene.stage.rng("kills");
    let begun = Instant::now();
    while begun.elapsed() < scene.stage.load_time() {
        let Some(part) = parts.get(rng.random_range(0..parts.len())).copied() else { break };
        scene.stage.say(&format!("kill -9 {part}, {} messages so far", load.acknowledged()));
        scene.fleet.kill(part);
        let away = Duration::from_millis(rng.random_range(AWAY_MS));
        sleep(away).await;
        scene.fleet.begin(part)?;
        sleep(KILL_EVERY.saturating_sub(away)).await;
    }
    Ok(())
}
