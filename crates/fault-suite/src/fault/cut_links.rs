//! R16: each service reaches database and broker over links of its own; random ones are cut for a while, one-way, both
//! ways, or become slow.

use std::time::Duration;

use rand::RngExt;
use rand::seq::IndexedRandom;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::fleet::Settings;
use crate::link::Mode;
use crate::row::{Row, percentile_of};
use crate::scene::{Scene, Stage};

/// What happens to a link.
const MODES: [Mode; 5] = [Mode::Cut, Mode::DeafServer, Mode::DeafService, Mode::Slow(50), Mode::Slow(300)];
/// For how long, milliseconds.
const FOR_MS: std::ops::Range<u64> = 1_000..9_000;
/// Links that something happens to at once.
const AT_ONCE: std::ops::RangeInclusive<usize> = 1..=3;
/// How soon everything is handled when all links are whole again.
const HEALED_TARGET: Duration = Duration::from_secs(15);

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let settings = Settings { links: true, ..Settings::default() };
    let mut scene = Scene::open(stage, &settings).await?;
    let mut rng = stage.rng("cuts");
    let load = scene.talk()?;
    let begun = Instant::now();
    let (mut cuts, mut healed) = (0, Vec::new());
    while begun.elapsed() < stage.load_time() * 2 {
        let mut told = Vec::new();
        for _ in 0..rng.random_range(AT_ONCE) {
            let Some((part, links)) = scene.fleet.links.choose(&mut rng) else { continue };
            let (which, name) = if rng.random() { (0, "database") } else { (1, "broker") };
            let mode = MODES.choose(&mut rng).copied().unwrap_or(Mode::Cut);
            if let Some(link) = links.get(which) {
                link.set(mode);
            }
            told.push(format!("{part} to {name}: {mode:?}"));
            cuts += 1;
        }
        let lasting = Duration::from_millis(rng.random_range(FOR_MS));
        stage.say(&format!("for {:.1} s {}", lasting.as_secs_f64(), told.join(", ")));
        sleep(lasting).await;
        for (_, links) in &scene.fleet.links {
            for link in links {
                link.set(Mode::Whole);
            }
        }
        healed.push(scene.catch_up(&load).await?);
    }
    let said = load.finish().await?;
    scene.row.note(format!("{cuts} cuts"));
    scene.row.time("handled after the longest healing", percentile_of(&healed, 100), HEALED_TARGET);
    scene.close(&said).await
}
