//! R7: every service is asked to end and started again, one after the other, as an upgrade does. No answer is a 5xx.

use std::time::Duration;

use tokio::time::sleep;

use crate::asking::Asking;
use crate::failure::Failure;
use crate::fleet::{Part, Settings};
use crate::owners::shares;
use crate::patience::until;
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// Rounds.
const ROUNDS: usize = 3;
/// How soon a runner has handed over and ended.
const RUNNER_TARGET: Duration = Duration::from_secs(20);
/// How soon a gateway has ended its requests and itself.
const GATEWAY_TARGET: Duration = Duration::from_secs(40);
/// Time between two restarts.
const BETWEEN: Duration = Duration::from_millis(500);

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let settings = Settings::default();
    let mut scene = Scene::open(stage, &settings).await?;
    let runners = (0..settings.runners).map(Part::Runner);
    let parts: Vec<Part> = [Part::Gateway(0), Part::Catalog, Part::Aggregator, Part::Gateway(1)]
        .into_iter()
        .chain(runners)
        .collect();
    let load = scene.talk()?;
    let asking = Asking::start(&scene);
    for round in 1..=ROUNDS {
        stage.say(&format!("round {round} of {ROUNDS}, {} messages so far", load.acknowledged()));
        for part in &parts {
            restart(&mut scene, *part).await?;
            sleep(BETWEEN).await;
        }
    }
    let said = load.finish().await?;
    let answers = asking.answers();
    scene.row.note(format!("{} questions beside the messages", answers.ok));
    scene.row.must(answers.ok > 0, || "nothing was asked".to_owned());
    scene.row.problems.extend(answers.wrong);
    scene.row.must(said.tally.refused == 0, || format!("{} answers were 5xx", said.tally.refused));
    scene.close(&said).await
}

async fn restart(scene: &mut Scene, part: Part) -> Result<(), Failure> {
    let (status, took) = scene.fleet.end(part).await?;
    scene.stage.say(&format!("{part} ended after {:.1} s", took.as_secs_f64()));
    scene.row.must(status.success(), || format!("{part} ended with {status}"));
    let target = if matches!(part, Part::Gateway(_)) { GATEWAY_TARGET } else { RUNNER_TARGET };
    if took > target {
        scene.row.time(format!("{part} ended"), took, target);
    }
    scene.fleet.begin(part)?;
    match part {
        Part::Gateway(n) => {
            let fleet = &scene.fleet;
            until("a gateway answers again", || async move { Ok(fleet.answers(n).await.then_some(())) })
                .await?;
        }
        Part::Runner(_) => {
            let (client, name) = (scene.database().await?, scene.fleet.name(part));
            let lives = scene.fleet.lives.clone();
            until("a runner has its share again", || async {
                let (shares, _) = shares(&client, &lives).await?;
                Ok(shares.contains_key(&name).then_some(()))
            })
            .await?;
        }
        Part::Catalog => {
            let fleet = &scene.fleet;
            until("the catalog answers again", || async move { Ok(fleet.answers(1).await.then_some(())) })
                .await?;
        }
        Part::Worker(_) | Part::Aggregator => {}
    }
    Ok(())
}
