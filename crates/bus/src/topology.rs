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
        }
    }
}

fn hours(hours: u32) -> Duration {
    Duration::from_hours(u64::from(hours))
}

impl Bus {
    /// Makes the streams of all groups and the bucket of definitions, or brings their sizes up to date. The layout is
    /// kept with the first stream, so that every service finds the same one.
    ///
    /// # Errors
    /// When NATS is away or refuses, for instance because the sizes are over its limit.
    pub async fn ensure_topology(&self, topology: &Topology, layout: Layout) -> Result<(), Unavailable> {
        for group in 0..layout.groups {
            self.ensure_stream(Config {
                name: subject::turns_stream(group),
                subjects: vec![subject::turns(group)],
                retention: RetentionPolicy::Limits,
                // An input that is not stored must not be acknowledged, and an old one must not give way to it.
                discard: DiscardPolicy::New,
                max_bytes: topology.turns_bytes_max,
                metadata: layout.to_metadata(),
                ..common()
            })
            .await?;
        }
        self.ensure_stream(Config {
            name: subject::EVENTS_STREAM.to_owned(),
            subjects: vec![subject::EVENTS_ALL.to_owned()],
            max_bytes: topology.events_bytes_max,
            max_age: hours(topology.events_hours),
            persist_mode: Some(PersistenceMode::Async),
            ..common()
        })
        .await?;
        self.ensure_stream(Config {
            name: subject::REPLIES_STREAM.to_owned(),
            subjects: vec![subject::REPLIES_ALL.to_owned()],
            max_bytes: topology.replies_bytes_max,
            max_age: hours(topology.replies_hours),
            persist_mode: Some(PersistenceMode::Async),
            ..common()
        })
        .await?;
        let bucket = kv::Config {
            bucket: subject::DEFINITIONS_BUCKET.to_owned(),
            history: 1,
            storage: StorageType::File,
            ..kv::Config::default()
        };
        self.jetstream.create_or_update_key_value(bucket).await.map(|_| ()).map_err(Unavailable::new)
    }

    /// How the installation's customers are spread; none until the first runner has set up the streams.
    ///
    /// # Errors
    /// When NATS is away.
    pub async fn layout(&self) -> Result<Option<Layout>, Unavailable> {
        self.require_connected()?;
        match self.jetstream.get_stream(subject::TURNS_STREAM).await {
            Ok(stream) => Ok(Layout::from_metadata(&stream.cached_info().config.metadata)),
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

    async fn ensure_stream(&self, config: Config) -> Result<(), Unavailable> {
        self.jetstream.create_or_update_stream(config).await.map(|_| ()).map_err(Unavailable::new)
    }
}

fn is_missing(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

fn common() -> Config {
    Config {
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        num_replicas: 1,
        // Nothing here is de-duplicated by the broker, so its table of recent ids is kept short.
        duplicate_window: Duration::from_secs(1),
        ..Config::default()
    }
}
