//! R19: hundreds of conversations wait for a model that takes about 5 s, and plain messages hardly notice.
//!
//! Paired: plain messages alone, beside those who wait, beside them again, alone again, in one run, so that what makes the
//! machine slower in the course of it makes both slower.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::fleet::Settings;
use crate::load::hearing::Hearing;
use crate::load::script::{Kind, Script};
use crate::load::{Load, Said, Talk};
use crate::outside::Outside;
use crate::patience::until;
use crate::row::{Row, percentile_of};
use crate::scene::{Scene, Stage};

/// Conversations that wait for the model.
const WAITING: usize = 500;
/// The model takes so long, milliseconds: 5 s on average, and not the same each time. Otherwise all who are answered in one
/// moment ask again in the next, and after a while they ask all at once, as nobody does who does not know of the others.
const TAKES_MS: RangeInclusive<u64> = 4_000..=6_000;
/// They begin to ask so many a second, so that not all are answered in the same moment.
const ASK_PER_SECOND: u32 = 100;
/// So many of a hundred wait at once before it is measured: one that was answered asks again a moment later.
const WAITING_PERCENT: usize = 90;
/// Plain customers, and their messages under way at once.
const PLAIN: usize = 2_000;
const PLAIN_AT_ONCE: usize = 256;
/// All speak to one gateway, as one runner works: what several of them cost one machine is not what is measured.
const ONE: Option<usize> = Some(0);
/// Their 99th percentile beside the others may be so many hundredths of that alone.
const TARGET_PERCENT: u128 = 120;

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let outside = Outside::start(stage.seed, TAKES_MS);
    // Each runner of a group reads every frame: with several on one machine its cores are what is measured.
    let settings = Settings { runners: 1, runner_flags: outside.runner_flags(), ..Settings::default() };
    let mut scene = Scene::open(stage, &settings).await?;
    outside.set_up(&mut scene).await?;
    let mut plain = Plain { said: Said::default(), alone: Phase::default(), beside: Phase::default() };
    // For a moment that is not measured everybody is new to everything.
    plain.talk(&scene, "new").await?;
    plain.measure(&scene, "alone", false).await?;
    let hearing = Arc::new(Hearing::start(&scene.fleet.nats.url()).await?);
    let scripts = (0..WAITING).map(|number| Script { kind: Kind::Ask, number, lanes: 1 });
    let asking = Talk { only_gateway: ONE, ..Talk::listening(scripts, ASK_PER_SECOND, &hearing) };
    let asking = scene.talk_as("asking", asking)?;
    all_wait(&scene, &asking).await?;
    plain.measure(&scene, "beside", true).await?;
    let waiting = waiting(&scene).await?;
    plain.measure(&scene, "beside-again", true).await?;
    let asked = asking.finish().await?;
    plain.measure(&scene, "alone-again", false).await?;
    let [alone, beside] = [&plain.alone, &plain.beside].map(|phase| percentile_of(&phase.took, 99));
    scene.row.note(format!(
        "plain messages' p99 {} ms at {}/s alone, {} ms at {}/s beside {waiting} that wait: {} (target {})",
        alone.as_millis(),
        plain.alone.per_second(),
        beside.as_millis(),
        plain.beside.per_second(),
        ratio(beside.as_micros() * 100 / alone.as_micros().max(1)),
        ratio(TARGET_PERCENT)
    ));
    scene.row.must(plain.alone.took.len().min(plain.beside.took.len()) > 100, || {
        "too little was said to be measured".to_owned()
    });
    let said = plain.said.and(asked);
    let mut row = scene.close(&said).await?;
    outside.compare(&mut row, &said);
    Ok(row)
}

/// A number of hundredths as people read it.
pub(super) fn ratio(percent: u128) -> String {
    format!("×{}.{:02}", percent / 100, percent % 100)
}

/// Those who do not wait for the model.
struct Plain {
    said: Said,
    alone: Phase,
    beside: Phase,
}

/// How long their messages took in one of the two cases.
#[derive(Default)]
struct Phase {
    took: Vec<Duration>,
    lasted: Duration,
}

impl Phase {
    fn per_second(&self) -> u128 {
        self.took.len() as u128 * 1000 / self.lasted.as_millis().max(1)
    }
}

impl Plain {
    /// They talk, beside those who wait or alone, and it is measured; `name` is that of the journal.
    async fn measure(&mut self, scene: &Scene, name: &str, beside: bool) -> Result<(), Failure> {
        let (took, lasted) = self.talk(scene, name).await?;
        let phase = if beside { &mut self.beside } else { &mut self.alone };
        phase.took.extend(took);
        phase.lasted += lasted;
        Ok(())
    }

    /// They talk for a while; gives how long each message took, and all of it.
    async fn talk(&mut self, scene: &Scene, name: &str) -> Result<(Vec<Duration>, Duration), Failure> {
        scene.stage.say(&format!("plain messages, {name}"));
        let usual = Talk::of(PLAIN, scene.stage.plan.per_second);
        let customers = std::mem::take(&mut self.said.spoken);
        let customers = if customers.is_empty() { usual.customers.clone() } else { customers };
        let talk = Talk { customers, waits: true, at_once: PLAIN_AT_ONCE, only_gateway: ONE, ..usual };
        let begun = Instant::now();
        let load = scene.talk_as(name, talk)?;
        sleep(scene.stage.load_time() / 2).await;
        let said = load.finish().await?;
        let (took, lasted) = (said.tally.took.clone(), begun.elapsed());
        let tally = std::mem::take(&mut self.said.tally);
        self.said = said.with_tally(tally);
        Ok((took, lasted))
    }
}

/// Waits until nearly all of them wait.
async fn all_wait(scene: &Scene, asking: &Load) -> Result<(), Failure> {
    let client = scene.database().await?;
    let what = format!("{WAITING} conversations wait for the model");
    until(&what, || async {
        let running = count_running(&client).await?;
        Ok((running * 100 >= WAITING * WAITING_PERCENT && asking.acknowledged() >= WAITING).then_some(()))
    })
    .await?;
    scene.stage.say(&what);
    Ok(())
}

/// How many wait now.
async fn waiting(scene: &Scene) -> Result<usize, Failure> {
    count_running(&scene.database().await?).await
}

async fn count_running(client: &tokio_postgres::Client) -> Result<usize, Failure> {
    let running: i64 = client.query_one("SELECT count(*) FROM runner.running_executions", &[]).await?.get(0);
    Ok(usize::try_from(running).unwrap_or(0))
}
