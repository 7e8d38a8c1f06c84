//! A broker that may lose what it acknowledges is found out.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bus::durability::{MonitorConfig, sync_of};
use bus::{Bus, BusConfig, Layout, Topology};
use local_stack::Nats;

async fn problems(nats: &Nats, monitors: &[String]) -> Vec<String> {
    let bus = Bus::connect(&BusConfig::for_url(&nats.url()), "test").await.unwrap();
    bus.ensure_topology(&Topology::default(), Layout { partitions: 8, groups: 2 }).await.unwrap();
    bus.durability_problems(&MonitorConfig { nats_monitor_url: monitors.to_vec() }, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_syncs_before_it_acknowledges_is_good() {
    let nats = Nats::ephemeral().unwrap();
    assert_eq!(problems(&nats, &[nats.monitor_url()]).await, Vec::<String>::new());
    assert!(sync_of(&nats.monitor_url()).await.unwrap().always);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_that_syncs_late_is_named_with_what_to_do() {
    let (late, good) = (Nats::ephemeral_that_syncs_late().unwrap(), Nats::ephemeral().unwrap());
    let problems = problems(&late, &[late.monitor_url(), good.monitor_url()]).await;
    assert_eq!(problems.len(), 1, "{problems:?}");
    for part in [&late.monitor_url(), "every 120 s only", "set sync_interval: always"] {
        assert!(problems.concat().contains(part), "{problems:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_known_is_a_problem() {
    let nats = Nats::ephemeral().unwrap();
    let mut gone = Nats::ephemeral().unwrap();
    gone.kill();
    for (monitors, part) in [
        (vec![], "--nats-monitor-url"),
        (vec![gone.monitor_url()], "does not answer"),
        (vec!["nonsense".to_owned()], "nonsense does not answer"),
    ] {
        let problems = problems(&nats, &monitors).await;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems.concat().contains(part), "{problems:?}");
        assert!(problems.concat().contains("it is not known"), "{problems:?}");
    }
}
