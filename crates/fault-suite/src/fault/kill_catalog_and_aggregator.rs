//! R3: catalog and aggregator are killed again and again while workflows are made. Runners go on with what they know;
//! afterwards the numbers are complete, and what was said to be made is there.

use std::time::Duration;

use rand::RngExt;
use reqwest::Method;
use tokio::time::sleep;

use crate::failure::Failure;
use crate::fault::making::Making;
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
    let making = Making::start(&scene);
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
    let made = making.stop();
    scene.row.note(format!("{} workflows made meanwhile, {} refused", made.ids.len(), made.refused));
    scene.row.problems.extend(made.wrong);
    let fleet = &scene.fleet;
    until("the catalog answers again", || async move { Ok(fleet.answers(0).await.then_some(())) }).await?;
    for id in &made.ids {
        let api = &scene.fleet.gateways[1];
        let path = format!("/v1/workflows/{id}");
        let answer = api.try_send(api.request(Method::GET, &path)).await;
        let there = answer.is_some_and(|answer| answer.status == 200);
        scene.row.must(there, || format!("the workflow {id} was made and is not there"));
    }
    scene.row.must(!made.ids.is_empty(), || "no workflow could be made".to_owned());
    scene.close(&said).await
}
