//! R3: catalog and aggregator are killed again and again. Runners go on with what they know; afterwards the numbers are
//! complete, and workflows can be changed again.

use std::time::Duration;

use rand::RngExt;
use tokio::time::sleep;

use crate::failure::Failure;
use crate::fleet::{Part, Settings};
use crate::oracle::expected_executions;
use crate::patience::until;
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// Kills of each: in the short form, and otherwise.
const KILLS: [usize; 2] = [3, 10];
/// How long both serve before the next kill, milliseconds.
const SERVES_MS: std::ops::Range<u64> = 300..1_500;
/// How long they are away, milliseconds.
const AWAY_MS: std::ops::Range<u64> = 0..1_000;
/// How soon the numbers are complete after the last start.
const LAG_TARGET: Duration = Duration::from_secs(5);

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let mut scene = Scene::open(stage, &Settings::default()).await?;
    let mut rng = stage.rng("kills");
    let load = scene.talk()?;
    let [short, usual] = KILLS;
    let kills = if stage.plan.short { short } else { usual };
    for kill in 1..=kills {
        sleep(Duration::from_millis(rng.random_range(SERVES_MS))).await;
        stage.say(&format!("kill -9 catalog and aggregator, {kill} of {kills}"));
        for part in [Part::Catalog, Part::Aggregator] {
            scene.fleet.kill(part);
            sleep(Duration::from_millis(rng.random_range(AWAY_MS))).await;
        }
        for part in [Part::Catalog, Part::Aggregator] {
            scene.fleet.begin(part)?;
        }
    }
    let handled = scene.catch_up(&load).await?;
    scene.row.note(format!("handled {:.1} s after the last kill", handled.as_secs_f64()));
    let said = load.finish().await?;
    let client = scene.database().await?;
    let expected = expected_executions(&said);
    let ((), lag) = until("all executions are counted", || async {
        let counted = "SELECT coalesce(sum(succeeded + failed), 0)::bigint FROM metrics.rollups";
        let counted: i64 = client.query_one(counted, &[]).await?.get(0);
        Ok((usize::try_from(counted) == Ok(expected)).then_some(()))
    })
    .await?;
    scene.row.time("counted after the last message", lag, LAG_TARGET);
    let fleet = &scene.fleet;
    until("the catalog answers again", || async move { Ok(fleet.answers(0).await.then_some(())) }).await?;
    scene.close(&said).await
}
