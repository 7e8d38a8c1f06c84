//! Streams of an installation that is there already.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, PersistenceMode, RetentionPolicy};
use bus::{Bus, BusConfig, Layout, Topology};
use contracts::subject;
use local_stack::Nats;

const LAYOUT: Layout = Layout { partitions: 8, groups: 1 };

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_made_to_sync_goes_on_so_and_others_are_made_as_they_are_now() {
    let nats = Nats::ephemeral().unwrap();
    let jetstream = jetstream::new(async_nats::connect(nats.url()).await.unwrap());
    let earlier = Config {
        name: subject::ACTIVITIES_STREAM.to_owned(),
        subjects: vec![subject::ACTIVITIES_ALL.to_owned()],
        retention: RetentionPolicy::WorkQueue,
        ..Config::default()
    };
    jetstream.create_stream(earlier).await.unwrap();
    let bus = Bus::connect(&BusConfig::for_url(&nats.url()), "test").await.unwrap();
    let topology = Topology { activities_bytes_max: 2 << 20, ..Topology::default() };
    bus.ensure_topology(&topology, LAYOUT).await.unwrap();
    let made = async |name: &str| jetstream.get_stream(name).await.unwrap().cached_info().config.clone();
    let activities = made(subject::ACTIVITIES_STREAM).await;
    assert_eq!(activities.max_bytes, 2 << 20);
    assert_ne!(activities.persist_mode, Some(PersistenceMode::Async));
    assert_eq!(made(subject::EVENTS_STREAM).await.persist_mode, Some(PersistenceMode::Async));

    bus.delete_stream(subject::ACTIVITIES_STREAM).await.unwrap();
    bus.ensure_topology(&topology, LAYOUT).await.unwrap();
    assert_eq!(made(subject::ACTIVITIES_STREAM).await.persist_mode, Some(PersistenceMode::Async));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_the_layout_finds_everything() {
    let nats = Nats::ephemeral().unwrap();
    let config = BusConfig::for_url(&nats.url());
    let (maker, other) =
        (Bus::connect(&config, "maker").await.unwrap(), Bus::connect(&config, "other").await.unwrap());
    let layout = Layout { groups: 3, ..LAYOUT };
    let making = tokio::spawn(async move { maker.ensure_topology(&Topology::default(), layout).await });
    let finding = async { while other.layout().await.unwrap() != Some(layout) {} };
    tokio::time::timeout(Duration::from_secs(30), finding).await.unwrap();
    let groups = (0..layout.groups).map(subject::turns_stream);
    let others = [
        subject::EVENTS_STREAM,
        subject::REPLIES_STREAM,
        subject::ACTIVITIES_STREAM,
        subject::DEFINITIONS_STREAM,
    ];
    for name in groups.chain(others.map(str::to_owned)) {
        assert!(other.has_stream(&name).await.unwrap(), "{name}");
    }
    making.await.unwrap().unwrap();
}
