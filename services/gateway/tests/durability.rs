//! A gateway before a broker and a database that may lose what they acknowledge.

use crate::support::Gateway;
use clap::Parser;
use gateway::{App, Config};
use local_stack::Nats;
use platform::health::Health;

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_warns_or_when_it_is_strict_does_not_start() {
    let gateway = Gateway::start().await;
    gateway
        .sql("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$")
        .await;
    let nats = Nats::ephemeral_that_syncs_late().unwrap();
    let (url, monitor_url) = (nats.url(), nats.monitor_url());
    let start = async |own: &[&str]| {
        let arguments = [
            "gateway",
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            &gateway.database_url,
            "--nats-url",
            &url,
        ];
        let config = Config::parse_from(arguments.iter().chain(own));
        App::build(config, &Health::new()).await.map(|_| ()).map_err(|error| error.to_string())
    };

    assert_eq!(start(&["--nats-monitor-url", &monitor_url]).await, Ok(()));
    assert_eq!(start(&["--durability", "warn"]).await, Ok(()));

    let refused = start(&["--durability", "strict", "--nats-monitor-url", &monitor_url]).await.unwrap_err();
    for part in ["--durability strict", "synchronous_commit is off", "; and ", "set sync_interval: always"] {
        assert!(refused.contains(part), "{refused}");
    }
    let refused = start(&["--durability", "strict"]).await.unwrap_err();
    assert!(refused.contains("it is not known whether NATS syncs"), "{refused}");
}
