//! R6: a runner is stopped for three leases and goes on as if nothing had been. Others have its partitions then, and what
//! it still believes to own it must not write.

use std::time::Duration;

use rand::RngExt;
use rustix::process::Signal;
use tokio::time::sleep;

use crate::failure::Failure;
use crate::fleet::{LEASE_MS, Part, Settings};
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// The lease in the short form, milliseconds.
const LEASE_SHORT_MS: u64 = 2_000;
/// Leases that the runner is stopped for.
const LEASES: u32 = 3;
/// How often that is done: in the short form, and otherwise.
const TIMES: [usize; 2] = [1, 3];
/// Time between two stops.
const BETWEEN: Duration = Duration::from_secs(3);

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let lease_ms = if stage.plan.short { LEASE_SHORT_MS } else { LEASE_MS };
    let settings = Settings { lease_ms, ..Settings::default() };
    let mut scene = Scene::open(stage, &settings).await?;
    scene.row.note(format!("lease {lease_ms} ms"));
    let mut rng = stage.rng("stops");
    let load = scene.talk()?;
    let [short, usual] = TIMES;
    for _ in 0..if stage.plan.short { short } else { usual } {
        sleep(BETWEEN).await;
        let part = Part::Runner(rng.random_range(0..settings.runners));
        stage.say(&format!("stop {part} for {LEASES} leases of {lease_ms} ms"));
        scene.fleet.signal(part, Signal::STOP);
        sleep(Duration::from_millis(lease_ms) * LEASES).await;
        scene.fleet.signal(part, Signal::CONT);
    }
    sleep(BETWEEN).await;
    let said = load.finish().await?;
    scene.close(&said).await
}
