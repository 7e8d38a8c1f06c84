//! The streams and buckets that everything runs on.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::kv;
use async_nats::jetstream::stream::{Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType};
use contracts::subject;

use crate::{Bus, Unavailable};

/// Sizes of the streams.
#[derive(Debug, Clone, clap::Args)]
pub struct Topology {
    /// Bytes of one stream of inputs; when it is full new messages are refused. Keep the sum of all well below the disk
    #[arg(long, env = "TURNLOOM_TURNS_BYTES_MAX", default_value_t = 4 << 30,
          value_parser = clap::value_parser!(i64).range(1 << 20..))]
    pub turns_bytes_max: i64,
    /// Bytes of the stream of events; when it is full the oldest go
    #[arg(long, env = "TURNLOOM_EVENTS_BYTES_MAX", default_value_t = 4 << 30,
          value_parser = clap::value_parser!(i64).range(1 << 20..))]
    pub events_bytes_max: i64,
    /// Hours that events are kept for subscribers
    #[arg(long, env = "TURNLOOM_EVENTS_HOURS", default_value_t = 72,
          value_parser = clap::value_parser!(u32).range(1..=8760))]
    pub events_hours: u32,
    /// Bytes of the stream of replies; when it is full the oldest go
    #[arg(long, env = "TURNLOOM_REPLIES_BYTES_MAX", default_value_t = 1 << 30,
          value_parser = clap::value_parser!(i64).range(1 << 20..))]
    pub replies_bytes_max: i64,
    /// Hours that replies wait for a channel sender
    #[arg(long, env = "TURNLOOM_REPLIES_HOURS", default_value_t = 24,
          value_parser = clap::value_parser!(u32).range(1..=8760))]
    pub replies_hours: u32,
    /// Bytes of the stream of activities under way; when it is full they are issued later
    #[arg(long, env = "TURNLOOM_ACTIVITIES_BYTES_MAX", default_value_t = 256 << 20,
          value_parser = clap::value_parser!(i64).range(1 << 20..))]
    pub activities_bytes_max: i64,
    /// Servers of a NATS cluster that keep each stream; with 3 the loss of one costs nothing. Set before the streams are
    /// made: those of events and replies cannot go from 1 to more
    #[arg(long, env = "TURNLOOM_STREAM_REPLICAS", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(1..=5))]
    pub stream_replicas: u8,
}

/// How many partitions there are, in how many groups: fixed when an installation is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Slices of all customers.
    pub partitions: u32,
    /// Streams that the partitions are gathered into; partition `p` belongs to group `p % groups`.
    pub groups: u32,
}

/// Where the layout stands in the metadata of a stream.
const PARTITIONS_KEY: &str = "turnloom.partitions";
const GROUPS_KEY: &str = "turnloom.groups";

impl Layout {
    fn to_metadata(self) -> HashMap<String, String> {
        HashMap::from([
            (PARTITIONS_KEY.to_owned(), self.partitions.to_string()),
            (GROUPS_KEY.to_owned(), self.groups.to_string()),
        ])
    }

    fn from_metadata(metadata: &HashMap<String, String>) -> Option<Self> {
        let number = |key| metadata.get(key)?.parse().ok().filter(|number| *number > 0);
        Some(Self { partitions: number(PARTITIONS_KEY)?, groups: number(GROUPS_KEY)? })
    }
}

impl Default for Topology {
    fn default() -> Self {
        Self {
            turns_bytes_max: 4 << 30,
            events_bytes_max: 4 << 30,
            events_hours: 72,
            replies_bytes_max: 1 << 30,
            replies_hours: 24,
            activities_bytes_max: 256 << 20,
            stream_replicas: 1,
        }
    }
}

fn hours(hours: u32) -> Duration {
    Duration::from_hours(u64::from(hours))
}

impl Bus {
    /// Makes the streams of all groups and the bucket of definitions, or brings their sizes up to date. Whether one syncs before
    /// it acknowledges cannot be changed later: it stays as the stream was made. The layout is kept with the first group's stream,
    /// so that every service finds the same one, and that stream is made last: who finds the layout finds everything.
    ///
    /// # Errors
    /// When NATS is away or refuses, for instance because the sizes are over its limit.
    pub async fn ensure_topology(&self, topology: &Topology, layout: Layout) -> Result<(), Unavailable> {
        self.jetstream.create_or_update_key_value(bucket(topology)).await.map_err(Unavailable::new)?;
        for mut config in streams(topology, layout) {
            if let Some(there) = self.config_of(&config.name).await? {
                config.persist_mode = there.persist_mode;
            }
            self.jetstream.create_or_update_stream(config).await.map_err(Unavailable::new)?;
        }
        Ok(())
    }

    /// Makes the streams and the bucket again that are missing; those that are there stay as they are. Several processes
    /// may do this at once.
    ///
    /// # Errors
    /// When NATS is away. What cannot be looked at or made is told in the answer.
    pub async fn mend_topology(&self, topology: &Topology, layout: Layout) -> Result<Mended, Unavailable> {
        self.require_connected()?;
        let mut mended = Mended::default();
        for config in streams(topology, layout) {
            let name = config.name.clone();
            let making =
                async { self.jetstream.create_stream(config).await.map(|_| ()).map_err(Unavailable::new) };
            mended.note(name.clone(), self.make_if_missing(&name, making).await);
        }
        let making = async {
            self.jetstream.create_key_value(bucket(topology)).await.map(|_| ()).map_err(Unavailable::new)
        };
        let name = subject::DEFINITIONS_STREAM;
        mended.note(name.to_owned(), self.make_if_missing(name, making).await);
        Ok(mended)
    }

    /// Whether it had to be made.
    async fn make_if_missing(
        &self,
        stream: &str,
        making: impl Future<Output = Result<(), Unavailable>>,
    ) -> Result<bool, Unavailable> {
        if self.has_stream(stream).await? { Ok(false) } else { making.await.map(|()| true) }
    }

    /// How the installation's customers are spread; none until the first runner has set up the streams.
    ///
    /// # Errors
    /// When NATS is away.
    pub async fn layout(&self) -> Result<Option<Layout>, Unavailable> {
        let config = self.config_of(subject::TURNS_STREAM).await?;
        Ok(config.and_then(|config| Layout::from_metadata(&config.metadata)))
    }

    /// Whether there is a stream of this name.
    ///
    /// # Errors
    /// When NATS is away.
    pub async fn has_stream(&self, name: &str) -> Result<bool, Unavailable> {
        self.config_of(name).await.map(|config| config.is_some())
    }

    /// How a stream was made; none when it is missing.
    async fn config_of(&self, name: &str) -> Result<Option<Config>, Unavailable> {
        self.require_connected()?;
        match self.jetstream.get_stream(name).await {
            Ok(stream) => Ok(Some(stream.cached_info().config.clone())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(Unavailable::new(error)),
        }
    }

    /// Removes a stream with everything in it, for tests of what happens then and for operators.
    ///
    /// # Errors
    /// When NATS is away or there is no such stream.
    pub async fn delete_stream(&self, name: &str) -> Result<(), Unavailable> {
        self.require_connected()?;
        self.jetstream.delete_stream(name).await.map(|_| ()).map_err(Unavailable::new)
    }
}

/// What came of looking for everything that must be there.
#[derive(Debug, Default)]
pub struct Mended {
    /// Streams that were missing and are made again; that of the bucket has its name after `KV_`.
    pub made: Vec<String>,
    /// Streams that could not be looked at or made.
    pub failed: Vec<(String, Unavailable)>,
}

impl Mended {
    fn note(&mut self, stream: String, made: Result<bool, Unavailable>) {
        match made {
            Ok(true) => self.made.push(stream),
            Ok(false) => {}
            Err(error) => self.failed.push((stream, error)),
        }
    }
}

pub(crate) fn is_missing(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

/// All streams; that of the first group is the last.
fn streams(topology: &Topology, layout: Layout) -> Vec<Config> {
    let events = Config {
        name: subject::EVENTS_STREAM.to_owned(),
        subjects: vec![subject::EVENTS_ALL.to_owned()],
        max_bytes: topology.events_bytes_max,
        max_age: hours(topology.events_hours),
        persist_mode: persist_mode(topology),
        ..every_stream(topology)
    };
    let replies = Config {
        name: subject::REPLIES_STREAM.to_owned(),
        subjects: vec![subject::REPLIES_ALL.to_owned()],
        max_bytes: topology.replies_bytes_max,
        max_age: hours(topology.replies_hours),
        persist_mode: persist_mode(topology),
        ..every_stream(topology)
    };
    let activities = Config {
        name: subject::ACTIVITIES_STREAM.to_owned(),
        subjects: vec![subject::ACTIVITIES_ALL.to_owned()],
        retention: RetentionPolicy::WorkQueue,
        // One that is not taken is issued again from its row.
        discard: DiscardPolicy::New,
        max_bytes: topology.activities_bytes_max,
        duplicate_window: ACTIVITIES_KNOWN_FOR,
        persist_mode: persist_mode(topology),
        ..every_stream(topology)
    };
    let turns = (0..layout.groups).rev().map(|group| Config {
        name: subject::turns_stream(group),
        subjects: vec![subject::turns(group)],
        retention: RetentionPolicy::Limits,
        // An input that is not stored must not be acknowledged, and an old one must not give way to it.
        discard: DiscardPolicy::New,
        max_bytes: topology.turns_bytes_max,
        metadata: layout.to_metadata(),
        ..every_stream(topology)
    });
    [events, replies, activities].into_iter().chain(turns).collect()
}

/// An activity that is issued again within this time is not handed out twice. More than any may take.
const ACTIVITIES_KNOWN_FOR: Duration = Duration::from_mins(5);

/// Events and replies can be told again, and activities issued again from their rows, so they need not be on disk at once. A server
/// takes this for one replica only.
fn persist_mode(topology: &Topology) -> Option<PersistenceMode> {
    (topology.stream_replicas == 1).then_some(PersistenceMode::Async)
}

fn bucket(topology: &Topology) -> kv::Config {
    kv::Config {
        bucket: subject::DEFINITIONS_BUCKET.to_owned(),
        history: 1,
        storage: StorageType::File,
        num_replicas: usize::from(topology.stream_replicas),
        ..kv::Config::default()
    }
}

fn every_stream(topology: &Topology) -> Config {
    Config {
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        num_replicas: usize::from(topology.stream_replicas),
        // Nothing here is de-duplicated by the broker, so its table of recent ids is kept short.
        duplicate_window: Duration::from_secs(1),
        ..Config::default()
    }
}
