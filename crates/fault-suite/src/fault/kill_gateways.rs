//! R2: the gateways are killed in turn while requests are open; what is not known is sent again through the other one.

use std::time::Duration;

use rand::RngExt;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::fleet::{Part, Settings};
use crate::load::Talk;
use crate::patience::until;
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// Customers.
const CUSTOMERS: usize = 300;
/// How long a gateway serves before it is killed, milliseconds.
const SERVES_MS: std::ops::Range<u64> = 800..2_200;
/// How long a killed gateway is away, milliseconds.
const AWAY_MS: std::ops::Range<u64> = 0..800;

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let mut scene = Scene::open(stage, &Settings::default()).await?;
    let mut rng = stage.rng("kills");
    // Who waits for what becomes of a message has a request open for longer.
    let talk = Talk { waits: true, ..Talk::of(CUSTOMERS, stage.plan.per_second) };
    let load = scene.talk_as("load", talk)?;
    let begun = Instant::now();
    let mut kills = 0;
    while begun.elapsed() < stage.load_time() {
        sleep(Duration::from_millis(rng.random_range(SERVES_MS))).await;
        let gateway = kills % 2;
        kills += 1;
        stage.say(&format!("kill -9 gateway-{gateway}, {} messages so far", load.acknowledged()));
        scene.fleet.kill(Part::Gateway(gateway));
        sleep(Duration::from_millis(rng.random_range(AWAY_MS))).await;
        scene.fleet.begin(Part::Gateway(gateway))?;
        let fleet = &scene.fleet;
        until(
            "a killed gateway answers again",
            || async move { Ok(fleet.answers(gateway).await.then_some(())) },
        )
        .await?;
    }
    let said = load.finish().await?;
    scene.row.note(format!("{kills} kills"));
    let missed = said.tally.unknown + said.tally.not_sent;
    scene.row.must(missed > 0, || "no request met a killed gateway".to_owned());
    scene.close(&said).await
}
