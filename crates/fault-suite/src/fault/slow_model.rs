//! R19: hundreds of conversations wait for a model that takes about 5 s, and plain messages hardly notice.
//!
//! Paired: plain messages alone and beside those who wait, in turns, in one run and with the same who listen, so that what makes
//! the machine slower in the course of it makes both slower. What counts is the median of the pairs: in a moment in which the disk
//! or a neighbour takes the machine, a percentile says nothing.

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
/// Pairs: in the short form, and otherwise.
const PAIRS: [usize; 2] = [1, 5];
/// A phase is this part of a load's time.
const PHASES_OF_A_LOAD: u32 = 3;
/// Their 99th percentile beside the others may be so many hundredths of that alone.
const TARGET_PERCENT: u128 = 120;

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let outside = Outside::start(stage.seed, TAKES_MS);
    // Each runner of a group reads every frame, and each group has frames and commits of its own: with several on one machine
    // its cores are what is measured. One of each is what is installed unless somebody asks for more.
    let flags = outside.runner_flags();
    let settings = Settings { runners: 1, groups: Some(1), runner_flags: flags, ..Settings::default() };
    let mut scene = Scene::open(stage, &settings).await?;
    outside.set_up(&mut scene).await?;
    let mut talks = Talks::begin(&scene).await?;
    // For a moment that is not measured everybody is new to everything.
    talks.plain("new").await?;
    let [short, usual] = PAIRS;
    let (mut alone, mut beside, mut waiting) = (Vec::new(), Vec::new(), 0);
    for number in 1..=if stage.plan.short { short } else { usual } {
        // A pair begins with what the last one has ended with.
        for asks in [number % 2 == 0, number % 2 == 1] {
            talks.ask(asks, number).await?;
            let name = if asks { "beside" } else { "alone" };
            let phase = talks.plain(&format!("{name}-{number}")).await?;
            if asks {
                waiting = count_running(&scene.database().await?).await?;
                beside.push(phase);
            } else {
                alone.push(phase);
            }
        }
    }
    let said = talks.end().await?;
    let mut ratios: Vec<u128> =
        alone.iter().zip(&beside).map(|(alone, beside)| beside.percent_of(alone)).collect();
    let listed = ratios.iter().map(|percent| ratio(*percent)).collect::<Vec<_>>().join(", ");
    ratios.sort_unstable();
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    let [alone, beside] = [alone, beside].map(Phase::together);
    scene.row.note(format!(
        "plain messages' p99 {} ms at {}/s alone, {} ms at {}/s beside {waiting} that wait; {listed} in pairs, median {} (target {})",
        alone.p99().as_millis(),
        alone.per_second(),
        beside.p99().as_millis(),
        beside.per_second(),
        ratio(median),
        ratio(TARGET_PERCENT)
    ));
    scene.row.must(alone.took.len().min(beside.took.len()) > 100, || {
        "too little was said to be measured".to_owned()
    });
    let mut row = scene.close(&said).await?;
    outside.compare(&mut row, &said);
    Ok(row)
}

/// A number of hundredths as people read it.
pub(super) fn ratio(percent: u128) -> String {
    format!("×{}.{:02}", percent / 100, percent % 100)
}

/// How long plain messages took.
#[derive(Default)]
struct Phase {
    took: Vec<Duration>,
    lasted: Duration,
}

impl Phase {
    fn together(all: Vec<Self>) -> Self {
        all.into_iter().fold(Self::default(), |mut sum, phase| {
            sum.took.extend(phase.took);
            sum.lasted += phase.lasted;
            sum
        })
    }

    fn p99(&self) -> Duration {
        percentile_of(&self.took, 99)
    }

    /// Its 99th percentile in hundredths of that.
    fn percent_of(&self, other: &Self) -> u128 {
        self.p99().as_micros() * 100 / other.p99().as_micros().max(1)
    }

    fn per_second(&self) -> u128 {
        self.took.len() as u128 * 1000 / self.lasted.as_millis().max(1)
    }
}

/// Those who wait for the model, when they ask it, and those who do not.
struct Talks<'a> {
    scene: &'a Scene,
    hearing: Arc<Hearing>,
    /// What those who do not have said.
    plain: Said,
    /// What those who do had said before they ask now.
    asked: Said,
    asking: Option<Load>,
}

impl<'a> Talks<'a> {
    async fn begin(scene: &'a Scene) -> Result<Self, Failure> {
        let hearing = Arc::new(Hearing::start(&scene.fleet.nats.url()).await?);
        Ok(Self { scene, hearing, plain: Said::default(), asked: Said::default(), asking: None })
    }

    /// Plain messages for a while; `name` is that of the journal.
    async fn plain(&mut self, name: &str) -> Result<Phase, Failure> {
        let stage = &self.scene.stage;
        stage.say(&format!("plain messages, {name}"));
        let mut talk = Talk::of(PLAIN, stage.plan.per_second);
        if !self.plain.spoken.is_empty() {
            talk.customers = std::mem::take(&mut self.plain.spoken);
        }
        let talk = Talk { waits: true, at_once: PLAIN_AT_ONCE, only_gateway: ONE, ..talk };
        let begun = Instant::now();
        let load = self.scene.talk_as(name, talk)?;
        sleep(stage.load_time() / PHASES_OF_A_LOAD).await;
        let said = load.finish().await?;
        let phase = Phase { took: said.tally.took.clone(), lasted: begun.elapsed() };
        let [p50, p99] = [50, 99].map(|percent| percentile_of(&phase.took, percent).as_secs_f64() * 1e3);
        stage.say(&format!("plain messages, {name}: p50 {p50:.1} ms, p99 {p99:.1} ms"));
        self.plain = said.with_tally(std::mem::take(&mut self.plain.tally));
        Ok(phase)
    }

    /// From now on those who wait ask, or do not. When they do, nearly all of them wait by then.
    async fn ask(&mut self, asks: bool, number: usize) -> Result<(), Failure> {
        match self.asking.take() {
            Some(load) if asks => self.asking = Some(load),
            Some(load) => {
                let tally = std::mem::take(&mut self.asked.tally);
                self.asked = load.finish().await?.with_tally(tally);
            }
            None if asks => {
                let before = self.asked.messages();
                let scripts = (0..WAITING).map(|number| Script { kind: Kind::Ask, number, lanes: 1 });
                let mut talk = Talk::listening(scripts, ASK_PER_SECOND, &self.hearing);
                if before > 0 {
                    talk.customers = std::mem::take(&mut self.asked.spoken);
                }
                let talk = Talk { only_gateway: ONE, ..talk };
                let load = self.scene.talk_as(&format!("asking-{number}"), talk)?;
                all_wait(self.scene, &load, before).await?;
                self.asking = Some(load);
            }
            None => {}
        }
        Ok(())
    }

    /// Nobody asks any more; gives what all have said.
    async fn end(mut self) -> Result<Said, Failure> {
        self.ask(false, 0).await?;
        Ok(self.plain.and(self.asked))
    }
}

/// Waits until nearly all of them wait.
async fn all_wait(scene: &Scene, asking: &Load, before: usize) -> Result<(), Failure> {
    let client = scene.database().await?;
    let what = format!("{WAITING} conversations wait for the model");
    until(&what, || async {
        let running = count_running(&client).await?;
        Ok((running * 100 >= WAITING * WAITING_PERCENT && asking.acknowledged() >= before + WAITING)
            .then_some(()))
    })
    .await?;
    scene.stage.say(&what);
    Ok(())
}

/// How many wait now.
async fn count_running(client: &tokio_postgres::Client) -> Result<usize, Failure> {
    let running: i64 = client.query_one("SELECT count(*) FROM runner.running_executions", &[]).await?.get(0);
    Ok(usize::try_from(running).unwrap_or(0))
}
