//! R8: one runner becomes four and one again. Partitions follow.

use std::time::Duration;

use tokio::time::sleep;

use crate::failure::Failure;
use crate::fleet::{Part, Settings};
use crate::owners::shares;
use crate::patience::until;
use crate::row::{Row, percentile_of};
use crate::scene::{Scene, Stage};

/// Runners at most.
const RUNNERS: usize = 4;
/// Time between two changes.
const BETWEEN: Duration = Duration::from_secs(10);
/// How often the runners become four, and one again.
const ROUNDS: u32 = 2;
/// How soon each runner has its share.
const BALANCED_TARGET: Duration = Duration::from_secs(5);

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let settings = Settings { runners: RUNNERS, ..Settings::default() };
    let mut scene = Scene::open(stage, &settings).await?;
    for n in 1..RUNNERS {
        scene.fleet.end(Part::Runner(n)).await?;
    }
    let load = scene.talk()?;
    let mut took = Vec::new();
    for _ in 0..ROUNDS * stage.plan.long {
        for n in 1..RUNNERS {
            scene.fleet.begin(Part::Runner(n))?;
        }
        took.push(balance(&mut scene, RUNNERS).await?);
        sleep(BETWEEN).await;
        let ended = (1..RUNNERS).map(Part::Runner).collect::<Vec<_>>();
        for part in ended {
            let (status, _) = scene.fleet.end(part).await?;
            scene.row.must(status.success(), || format!("{part} ended with {status}"));
        }
        took.push(balance(&mut scene, 1).await?);
        sleep(BETWEEN).await;
    }
    let said = load.finish().await?;
    scene.row.time("balanced, longest", percentile_of(&took, 100), BALANCED_TARGET);
    scene.close(&said).await
}

/// Waits until so many runners have equal shares of all partitions.
async fn balance(scene: &mut Scene, runners: usize) -> Result<Duration, Failure> {
    let (client, lives) = (scene.database().await?, scene.fleet.lives.clone());
    let what = format!("{runners} runners have their shares");
    let ((), took) = until(&what, || async {
        let (shares, nobodys) = shares(&client, &lives).await?;
        let (least, most) = (shares.values().min().copied(), shares.values().max().copied());
        let equal = most.zip(least).is_some_and(|(most, least)| most - least <= 1);
        Ok((nobodys == 0 && shares.len() == runners && equal).then_some(()))
    })
    .await?;
    scene.stage.say(&format!("{what} after {:.1} s", took.as_secs_f64()));
    Ok(took)
}
