//! Whether the broker keeps what it acknowledges.
//!
//! NATS tells whether it syncs before it acknowledges on its monitoring endpoint only, and there each server tells of
//! itself. How many replicas a stream has stands in its configuration.

use std::time::Duration;

use contracts::subject;
use serde::Deserialize;

use crate::{Bus, Unavailable};

/// A server that takes longer to tell of itself cannot be checked.
const ASK_DEADLINE: Duration = Duration::from_secs(5);
/// With so many a stream outlives the loss of a server.
const REPLICAS_MIN: usize = 3;

/// Where to ask.
#[derive(Debug, Clone, clap::Args)]
pub struct MonitorConfig {
    /// Where each nats-server tells of itself (its `http` setting), such as `http://host:8222`, separated by commas; asked
    /// at start whether it syncs before it acknowledges
    #[arg(long, env = "TURNLOOM_NATS_MONITOR_URL", value_delimiter = ',')]
    pub nats_monitor_url: Vec<String>,
}

/// How often a server syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sync {
    /// Before each acknowledgement.
    pub always: bool,
    /// Else after this time.
    pub interval: Duration,
}

/// A server does not tell of itself.
#[derive(Debug, thiserror::Error)]
#[error("{url} does not answer")]
pub struct AskError {
    /// Where it was asked.
    pub url: String,
    source: reqwest::Error,
}

#[derive(Deserialize)]
struct Told {
    config: ToldConfig,
}

#[derive(Deserialize)]
struct ToldConfig {
    #[serde(default)]
    sync_always: bool,
    /// Nanoseconds.
    #[serde(default)]
    sync_interval: u64,
}

/// Asks a server how often it syncs.
///
/// # Errors
/// When it does not answer in time, or not as a nats-server with JetStream does.
pub async fn sync_of(url: &str) -> Result<Sync, AskError> {
    // Another part of the process may have set it already; it is the same one.
    rustls::crypto::ring::default_provider().install_default().ok();
    let asking = async {
        let http = reqwest::Client::builder().no_proxy().timeout(ASK_DEADLINE).build()?;
        let answer = http.get(format!("{}/jsz?config=1", url.trim_end_matches('/'))).send().await?;
        answer.error_for_status()?.json::<Told>().await
    };
    let told = asking.await.map_err(|source| AskError { url: url.to_owned(), source })?;
    let Told { config: ToldConfig { sync_always, sync_interval } } = told;
    Ok(Sync { always: sync_always, interval: Duration::from_nanos(sync_interval) })
}

impl Bus {
    /// What of the broker's settings may lose acknowledged messages, and what of them cannot be known: a sentence each, with
    /// what to do about it. `replicas` is what the streams are about to have; without it they are looked at as they are, if
    /// they are there.
    pub async fn durability_problems(&self, monitor: &MonitorConfig, replicas: Option<u8>) -> Vec<String> {
        let mut problems = Vec::new();
        if monitor.nats_monitor_url.is_empty() {
            problems.push(
                "it is not known whether NATS syncs before it acknowledges: say where it tells of itself with --nats-monitor-url"
                    .to_owned(),
            );
        }
        for url in &monitor.nats_monitor_url {
            problems.extend(sync_problem(url).await);
        }
        match self.replica_problems(replicas).await {
            Ok(found) => problems.extend(found),
            Err(error) => {
                problems.push(format!("it is not known how many replicas the streams have: {error}"));
            }
        }
        problems
    }

    /// Streams of inputs with too few replicas for the cluster that they are in.
    async fn replica_problems(&self, wanted: Option<u8>) -> Result<Vec<String>, Unavailable> {
        let Some(cluster) = self.client.server_info().cluster.filter(|name| !name.is_empty()) else {
            return Ok(Vec::new());
        };
        if let Some(wanted) = wanted {
            let problem = replica_problem(&cluster, subject::TURNS_STREAM, usize::from(wanted));
            return Ok(problem.into_iter().collect());
        }
        let Some(layout) = self.layout().await? else { return Ok(Vec::new()) };
        let mut problems = Vec::new();
        for group in 0..layout.groups {
            let name = subject::turns_stream(group);
            let stream = self.jetstream.get_stream(&name).await.map_err(Unavailable::new)?;
            problems.extend(replica_problem(&cluster, &name, stream.cached_info().config.num_replicas));
        }
        Ok(problems)
    }
}

async fn sync_problem(url: &str) -> Option<String> {
    match sync_of(url).await {
        Ok(Sync { always: true, .. }) => None,
        Ok(Sync { always: false, interval }) => Some(format!(
            "NATS at {url} syncs every {} s only: a power cut loses messages that were acknowledged since; set sync_interval: always in its jetstream block",
            interval.as_secs()
        )),
        Err(error) => {
            let why = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            Some(format!(
                "it is not known whether NATS syncs before it acknowledges: {error} ({why}); check --nats-monitor-url"
            ))
        }
    }
}

fn replica_problem(cluster: &str, stream: &str, replicas: usize) -> Option<String> {
    (replicas < REPLICAS_MIN).then(|| {
        format!(
            "the stream {stream} has {replicas} replicas in the cluster {cluster}: with the loss of a server its messages are lost or wait for it; set --stream-replicas {REPLICAS_MIN} for the execution-runner"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_a_cluster_has_three_replicas() {
        assert_eq!(replica_problem("east", "TURNS", 3), None);
        assert_eq!(replica_problem("east", "TURNS", 5), None);
        let problem = replica_problem("east", "TURNS", 1).unwrap_or_default();
        assert!(problem.contains("TURNS has 1 replicas in the cluster east"), "{problem}");
        assert!(problem.contains("--stream-replicas 3"), "{problem}");
    }
}
