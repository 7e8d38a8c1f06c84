//! Everything outside the loop: a database, a broker, time, and what goes wrong with them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use contracts::v1;
use contracts::v1::outbox_entry::Entry;
use execution_runner::partition::port::{
    CatalogEntry, Conversation, DeadLetter, HandledMessage, Mail, OutboxKey, Outgoing, Running, Timer,
    Unavailable,
};
use flow_model::{AccountId, ConversationId, ExecutionId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::bug::Bug;

/// Partitions of all customers.
pub const PARTITIONS: u32 = 4;
/// Virtual time begins here, Unix milliseconds.
const EPOCH_MS: i64 = 1_800_000_000_000;

/// A partition's row.
#[derive(Debug, Clone, Default)]
pub struct Partition {
    pub owner: Option<Uuid>,
    pub epoch: u64,
    pub expires_at_ms: i64,
    pub incarnation: i64,
    pub applied_seq: u64,
    pub applied_inputs: u32,
    pub tries: u32,
    pub commit_no: u64,
    pub told_no: u64,
    pub told_to: String,
}

/// PostgreSQL.
#[derive(Debug, Default)]
pub struct Database {
    pub partitions: Vec<Partition>,
    /// When each runner's lease is over.
    pub runners: HashMap<Uuid, i64>,
    pub conversations: HashMap<ConversationId, Conversation>,
    pub older_conversations: HashMap<ConversationId, Conversation>,
    pub customers: HashSet<(AccountId, String)>,
    pub messages: HashMap<Uuid, HandledMessage>,
    pub executions: HashMap<ExecutionId, v1::Execution>,
    /// What is to be told; of each partition what comes after its `told_no`.
    pub outbox: BTreeMap<OutboxKey, v1::Outbox>,
    pub markers: Vec<(i64, CatalogEntry)>,
    pub dead_letters: BTreeMap<(i64, u64, u32), DeadLetter>,
    pub timers: BTreeMap<(ConversationId, u64), Timer>,
    /// And when each is issued again, Unix milliseconds.
    pub activities: BTreeMap<Uuid, (v1::Activity, i64)>,
    pub running: HashMap<ConversationId, Running>,
    pub mail: BTreeMap<(ConversationId, u64), Mail>,
    /// What happened beside executions, by conversation and number.
    pub notes: BTreeMap<(Bytes, u64), Entry>,
    /// How many conversations there are.
    pub there: i64,
    /// What the real one would have refused, or must never be asked for.
    pub violations: Vec<String>,
}

/// NATS.
#[derive(Debug, Default)]
pub struct Broker {
    /// The stream's creation time.
    pub incarnation: i64,
    pub frames: BTreeMap<u64, Bytes>,
    /// All that was ever put into this stream.
    pub said: Vec<v1::Frame>,
    pub last_seq: u64,
    pub published: Vec<Outgoing>,
    /// Activities that somebody does.
    pub taken: HashSet<Uuid>,
    /// Goes up when it is killed: readers of before have lost their connection.
    pub restarts: u64,
}

/// All of it.
pub struct World {
    pub database: Database,
    pub broker: Broker,
    pub bug: Option<Bug>,
    /// Keys of inputs that no runner survives, or no store takes.
    pub poison: HashMap<Uuid, Poison>,
    /// Something new is in the stream, or a reading is over.
    pub stirred: Arc<Notify>,
    pub rng: StdRng,
    /// Faults of single calls happen.
    pub stormy: bool,
    pub database_away_until: Option<Instant>,
    pub broker_away_until: Option<Instant>,
    tells: bool,
    started: Instant,
}

/// The world as everybody holds it.
pub type Shared = Arc<Mutex<World>>;

/// What is wrong with an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// The process that takes it dies.
    Kills,
    /// The database cannot hold what comes of it.
    Refused,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Works,
    /// It fails and has done nothing.
    Fails,
    /// It is done, and its caller does not hear of it.
    Unheard,
    /// It fails, and is done later all the same.
    Late,
}

impl World {
    pub fn new(seed: u64, bug: Option<Bug>, tells: bool) -> Shared {
        let database =
            Database { partitions: vec![Partition::default(); PARTITIONS as usize], ..Database::default() };
        Arc::new(Mutex::new(Self {
            database,
            broker: Broker { incarnation: 1, ..Broker::default() },
            bug,
            poison: HashMap::new(),
            stirred: Arc::default(),
            rng: StdRng::seed_from_u64(seed),
            stormy: false,
            database_away_until: None,
            broker_away_until: None,
            tells,
            started: Instant::now(),
        }))
    }

    /// Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        EPOCH_MS + i64::try_from(self.started.elapsed().as_millis()).unwrap()
    }

    pub fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    pub fn tell(&self, what: impl FnOnce() -> String) {
        if self.tells {
            println!("{:>8} ms  {}", self.now_ms() - EPOCH_MS, what());
        }
    }

    fn fate(&mut self, may_be_late: bool) -> (Duration, Fate) {
        if !self.stormy {
            return (Duration::from_millis(1), Fate::Works);
        }
        let slow = self.chance(2);
        let delay = self.rng.random_range(0..if slow { 3000 } else { 8 });
        let fate = match self.rng.random_range(0..1000) {
            0..=4 => Fate::Fails,
            5..=9 => Fate::Unheard,
            10..=14 if may_be_late => Fate::Late,
            _ => Fate::Works,
        };
        (Duration::from_millis(delay), fate)
    }
}

pub fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap()
}

pub fn away(what: &str) -> Unavailable {
    Unavailable(format!("{what} is away"))
}

/// One runner's side of the world.
#[derive(Clone)]
pub struct Handle {
    pub world: Shared,
    /// Until then the runner's process is stopped.
    pub paused_until: Arc<Mutex<Option<Instant>>>,
    /// The runner's process has died of itself.
    pub dead: Arc<AtomicBool>,
    /// The runner's reading gives nothing any more.
    pub stalled: Arc<AtomicBool>,
}

impl Handle {
    pub fn new(world: &Shared) -> Self {
        Self {
            world: Arc::clone(world),
            paused_until: Arc::default(),
            dead: Arc::default(),
            stalled: Arc::default(),
        }
    }

    /// The process dies here.
    pub async fn die<T>(&self) -> T {
        lock(&self.world).tell(|| "a runner dies of an input".to_owned());
        self.dead.store(true, Ordering::Relaxed);
        std::future::pending().await
    }

    /// A call that takes time, and may go wrong.
    pub async fn call<T, E: From<Unavailable>>(
        &self,
        what: &str,
        effect: impl FnOnce(&mut World) -> Result<T, E>,
    ) -> Result<T, E> {
        let (delay, fate) = lock(&self.world).fate(false);
        self.take_time(delay).await;
        self.finish(what, fate, effect)
    }

    /// The same for an effect that may still be under way when its caller has given up, or is gone.
    pub async fn call_that_may_be_late<T: Send + 'static, E: From<Unavailable> + Send + 'static>(
        &self,
        what: &'static str,
        effect: impl FnOnce(&mut World) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let (delay, fate) = lock(&self.world).fate(true);
        if fate == Fate::Late {
            let (world, late) = (Arc::clone(&self.world), lock(&self.world).rng.random_range(1..20_000));
            lock(&self.world).tell(|| format!("{what} will be done in {late} ms"));
            tokio::spawn(async move {
                sleep(Duration::from_millis(late)).await;
                let mut world = lock(&world);
                let done = effect(&mut world).is_ok();
                world.tell(|| format!("{what} comes late: done {done}"));
            });
            self.take_time(delay).await;
            return Err(away(what).into());
        }
        self.take_time(delay).await;
        self.finish(what, fate, effect)
    }

    /// The time of a call, and of the process if that is stopped.
    pub async fn take_time(&self, delay: Duration) {
        sleep(delay).await;
        loop {
            let paused_until = *self.paused_until.lock().unwrap();
            match paused_until.filter(|until| *until > Instant::now()) {
                Some(until) => tokio::time::sleep_until(until).await,
                None => return,
            }
        }
    }

    fn finish<T, E: From<Unavailable>>(
        &self,
        what: &str,
        fate: Fate,
        effect: impl FnOnce(&mut World) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut world = lock(&self.world);
        let database_away = world.database_away_until.is_some_and(|until| until > Instant::now());
        let broker_away = world.broker_away_until.is_some_and(|until| until > Instant::now());
        let of_broker =
            ["stream", "read", "publish", "purge", "definition", "append", "issue"].contains(&what);
        if if of_broker { broker_away } else { database_away } {
            return Err(away(what).into());
        }
        match fate {
            Fate::Works => effect(&mut world),
            Fate::Fails | Fate::Late => {
                world.tell(|| format!("{what} fails"));
                Err(away(what).into())
            }
            Fate::Unheard => {
                let done = effect(&mut world).is_ok();
                world.tell(|| format!("{what} is not heard of, done {done}"));
                Err(away(what).into())
            }
        }
    }
}
