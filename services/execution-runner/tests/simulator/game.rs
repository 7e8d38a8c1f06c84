//! A game: a script is played with faults, and once without any.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contracts::v1;
use execution_runner::partition::worker::{Worker, WorkerConfig};
use platform::lifecycle::Shutdown;
use prost::Message;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::bug::Bug;
use crate::check;
use crate::flows::SimulatedDefinitions;
use crate::script;
use crate::store::SimulatedStore;
use crate::transport::SimulatedTransport;
use crate::world::{Handle, Partition, Shared, World, lock};

const LEASE: Duration = Duration::from_secs(10);
const RENEW_EVERY: Duration = Duration::from_secs(3);
/// Runners at once.
const RUNNERS_MAX: usize = 3;
/// Faults of the whole world in a game.
const BLOWS: usize = 12;
/// After the last fault everything must be done by then.
const HEALED_WITHIN: Duration = Duration::from_mins(10);
/// In the game of a single sleep a runner is stopped for so long …
const STOPPED: Duration = Duration::from_secs(20);
/// … and another works for so long meanwhile.
const STOOD_IN: Duration = Duration::from_millis(19_500);
/// In the game of a reading that falls behind it stands still for so long, milliseconds …
const STANDS_STILL_MS: std::ops::Range<u64> = 6_000..7_500;
/// … from here on, when it has got everything: by then it has renewed its leases.
const RENEWED: Duration = Duration::from_millis(3_100);
/// What a killed broker may have lost of what it had acknowledged on its asynchronous streams.
const FORGOTTEN_MAX: usize = 12;

/// Plays one game; what is broken, when something is.
pub fn play(seed: u64, bug: Option<Bug>, tells: bool) -> Result<(), String> {
    compare(seed, bug, Weather::Storm, tells)
}

/// Plays a game in which nothing happens but that a runner's process is stopped, another takes over, and hands everything back
/// just before the first goes on.
pub fn sleep_through(seed: u64) -> Result<(), String> {
    compare(seed, None, Weather::Sleep, false)
}

/// Plays a game in which the reading of one runner stands still while another goes on and hands over to it, and a third then
/// takes what is behind, so that the one keeps nothing but what is ahead of where it reads.
pub fn fall_behind(seed: u64) -> Result<(), String> {
    compare(seed, None, Weather::Behind, false)
}

fn compare(seed: u64, bug: Option<Bug>, weather: Weather, tells: bool) -> Result<(), String> {
    let calm = run(seed, None, Weather::Calm, false)?;
    let other = run(seed, bug, weather, tells)?;
    check::same(&lock(&calm), &lock(&other))
}

/// What happens in a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// Nothing.
    Calm,
    /// Everything.
    Storm,
    /// See [`sleep_through`].
    Sleep,
    /// See [`fall_behind`].
    Behind,
}

fn run(seed: u64, bug: Option<Bug>, weather: Weather, tells: bool) -> Result<Shared, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let world = World::new(seed, bug, tells);
        let mut game =
            Game { world: Arc::clone(&world), rng: StdRng::seed_from_u64(!seed), runners: Vec::new() };
        let mut frames = script::frames(seed);
        if weather == Weather::Storm {
            lock(&world).poison = script::poisoned(&frames);
        } else {
            // Without faults nobody dies: such an input is left out, as if it had never come.
            for frame in &mut frames {
                frame.inputs.retain(|input| script::poison(input).is_none());
            }
        }
        let feeding = tokio::spawn(feed(Arc::clone(&world), frames, weather != Weather::Calm, seed));
        match weather {
            Weather::Calm => {}
            Weather::Storm => {
                lock(&world).stormy = true;
                game.storm().await;
            }
            Weather::Sleep => game.sleep().await,
            Weather::Behind => game.fall_behind().await,
        }
        game.heal();
        feeding.await.unwrap();
        game.finish().await?;
        Ok(world)
    })
}

/// Puts frames into the stream, as gateways do while the broker is there.
async fn feed(world: Shared, frames: Vec<v1::Frame>, slowly: bool, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed.rotate_left(32));
    for frame in frames {
        if slowly {
            sleep(Duration::from_millis(rng.random_range(0..2500))).await;
        }
        append(&mut lock(&world), &frame);
    }
}

pub fn append(world: &mut World, frame: &v1::Frame) {
    world.broker.last_seq += 1;
    let seq = world.broker.last_seq;
    world.broker.frames.insert(seq, frame.encode_to_vec().into());
    world.broker.said.push(frame.clone());
    world.tell(|| format!("frame {seq}: {}", script::summary(frame)));
    world.stirred.notify_waiters();
}

/// The stream is lost and made again, when nothing waits in it; some of the last inputs are sent again.
fn lose_stream(world: &mut World, again: usize) {
    let broker = &world.broker;
    let done = |row: &Partition| row.incarnation == broker.incarnation && row.applied_seq == broker.last_seq;
    // An activity's end that is on its way would come into the new stream, where its input is handled as well.
    if !world.database.partitions.iter().all(done) {
        return;
    }
    world.tell(|| "the stream is lost and made again".to_owned());
    let said = std::mem::take(&mut world.broker.said);
    world.broker.incarnation += 1;
    world.broker.restarts += 1;
    world.broker.last_seq = 0;
    world.broker.frames.clear();
    world.broker.taken.clear();
    for frame in said.iter().rev().take(again).rev() {
        append(world, &v1::Frame { inputs: frame.inputs.clone(), markers: Vec::new() });
    }
    world.stirred.notify_waiters();
}

struct Runner {
    handle: Handle,
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

struct Game {
    world: Shared,
    rng: StdRng,
    runners: Vec<Runner>,
}

impl Game {
    fn start_runner(&mut self) {
        let id = Uuid::from_u128(self.rng.random());
        lock(&self.world).tell(|| format!("a runner starts: {id}"));
        let handle = Handle::new(&self.world);
        let config = WorkerConfig {
            runner: id,
            runner_name: id.to_string(),
            group: 0,
            lease: LEASE,
            renew_every: RENEW_EVERY,
            batch_inputs_max: self.rng.random_range(1..8),
            drill: false,
            return_after_ms: 60 * 60 * 1000,
            pulse: Arc::default(),
        };
        let world = Arc::clone(&self.world);
        let worker = Worker::new(
            config,
            SimulatedStore(handle.clone()),
            SimulatedTransport::new(handle.clone()),
            SimulatedDefinitions(handle.clone()),
            Arc::new(move || lock(&world).now_ms()),
        );
        let shutdown = Shutdown::new();
        let task = tokio::spawn(worker.run(shutdown.clone()));
        self.runners.push(Runner { handle, shutdown, task });
    }

    async fn storm(&mut self) {
        for _ in 0..self.rng.random_range(1..=RUNNERS_MAX) {
            self.start_runner();
        }
        for _ in 0..BLOWS {
            sleep(Duration::from_millis(self.rng.random_range(0..6000))).await;
            self.bury_the_dead();
            self.blow();
        }
    }

    /// One that works is stopped for longer than its lease, and another works until just before it goes on.
    async fn sleep(&mut self) {
        self.start_runner();
        sleep(Duration::from_millis(self.rng.random_range(3_000..8_000))).await;
        self.stop_until(0, Instant::now() + STOPPED);
        self.start_runner();
        sleep(STOOD_IN).await;
        self.runners.swap_remove(1).shutdown.request();
    }

    /// Who comes later has the higher half of the partitions, and gives the higher half of all back when one more comes: so
    /// the second falls behind, and keeps what the first had.
    async fn fall_behind(&mut self) {
        self.start_runner();
        sleep(Duration::from_millis(self.rng.random_range(500..1_500))).await;
        self.start_runner();
        sleep(Duration::from_millis(self.rng.random_range(4_000..9_000))).await;
        self.stall(1);
        sleep(Duration::from_millis(self.rng.random_range(500..3_000))).await;
        self.runners.swap_remove(0).shutdown.request();
        sleep(RENEWED).await;
        self.start_runner();
        sleep(Duration::from_millis(self.rng.random_range(STANDS_STILL_MS))).await;
        self.runners[0].handle.stalled.store(false, Ordering::Relaxed);
    }

    /// A runner reads nothing more until it begins to read anew.
    fn stall(&self, one: usize) {
        lock(&self.world).tell(|| "a runner's reading stalls".to_owned());
        self.runners[one].handle.stalled.store(true, Ordering::Relaxed);
    }

    /// A runner's process is stopped.
    fn stop_until(&self, one: usize, until: Instant) {
        lock(&self.world).tell(|| "a runner's process is stopped for a while".to_owned());
        *self.runners[one].handle.paused_until.lock().unwrap() = Some(until);
    }

    /// Runners that died of an input are started again, as a supervisor would.
    fn bury_the_dead(&mut self) {
        let dead = |runner: &Runner| runner.handle.dead.load(Ordering::Relaxed);
        let (dead, alive): (Vec<Runner>, Vec<Runner>) = self.runners.drain(..).partition(dead);
        self.runners = alive;
        for runner in dead {
            runner.task.abort();
            self.start_runner();
        }
    }

    /// One fault of the whole world.
    fn blow(&mut self) {
        let until = |rng: &mut StdRng, seconds: u64| {
            Instant::now() + Duration::from_millis(rng.random_range(0..seconds * 1000))
        };
        let tell = |game: &Self, what: &str| lock(&game.world).tell(|| what.to_owned());
        let one = if self.runners.is_empty() { 0 } else { self.rng.random_range(0..self.runners.len()) };
        match self.rng.random_range(0..10) {
            0 | 1 if !self.runners.is_empty() => {
                tell(self, "a runner is killed");
                self.runners.swap_remove(one).task.abort();
            }
            2 if !self.runners.is_empty() => {
                tell(self, "a runner is asked to stop");
                self.runners.swap_remove(one).shutdown.request();
            }
            3 if !self.runners.is_empty() => {
                let until = until(&mut self.rng, 40);
                self.stop_until(one, until);
            }
            4 => {
                tell(self, "the database goes away");
                let until = until(&mut self.rng, 8);
                lock(&self.world).database_away_until = Some(until);
            }
            5 => {
                tell(self, "the broker is killed");
                let (until, forgotten) = (until(&mut self.rng, 5), self.rng.random_range(0..FORGOTTEN_MAX));
                let mut world = lock(&self.world);
                world.broker.restarts += 1;
                world.broker_away_until = Some(until);
                let kept = world.broker.published.len().saturating_sub(forgotten);
                world.tell(|| format!("of {} messages {kept} are left", world.broker.published.len()));
                world.broker.published.truncate(kept);
                world.stirred.notify_waiters();
            }
            6 => {
                let again = self.rng.random_range(0..4);
                lose_stream(&mut lock(&self.world), again);
            }
            7 if !self.runners.is_empty() => self.stall(one),
            _ if self.runners.len() < RUNNERS_MAX => self.start_runner(),
            _ => {}
        }
    }

    /// No more faults, and somebody who works.
    fn heal(&mut self) {
        let mut world = lock(&self.world);
        world.tell(|| "everything is well again".to_owned());
        world.stormy = false;
        (world.database_away_until, world.broker_away_until) = (None, None);
        drop(world);
        if self.runners.is_empty() {
            self.start_runner();
        }
    }

    /// Waits until all is handled and told.
    async fn finish(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + HEALED_WITHIN;
        while !self.is_done() {
            if Instant::now() > deadline {
                return Err(format!("not done: {}", check::unfinished(&lock(&self.world))));
            }
            sleep(Duration::from_secs(1)).await;
            self.bury_the_dead();
        }
        // Longer than any process was stopped and any effect was late: what comes now must change nothing.
        sleep(Duration::from_secs(50)).await;
        for runner in self.runners.drain(..) {
            runner.shutdown.request();
            runner.task.await.map_err(|error| format!("a runner has failed: {error}"))?;
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        check::unfinished(&lock(&self.world)).is_empty()
    }
}
