//! NATS: does it answer, is it new enough, are the streams there, does it sync before it acknowledges.

use std::time::Duration;

use bus::{Bus, BusConfig};
use serde_json::Value;

use super::{Finding, Verdict};

/// The oldest version with everything that Turnloom uses.
const VERSION_MIN: (u64, u64) = (2, 12);
const STREAMS_REMEDY: &str = "start an execution-runner: it sets the streams up";
/// Time for one question.
const DEADLINE: Duration = Duration::from_secs(5);

pub(super) async fn look(url: Option<&str>, monitor_url: Option<&str>) -> Vec<Finding> {
    const ABOUT: &str = "NATS";
    let Some(url) = url else {
        let remedy = "start `turnloom up`, or say where it is with TURNLOOM_NATS_URL";
        return vec![Finding::of(Verdict::Unknown, ABOUT, "not looked at: no address", remedy)];
    };
    let bus = match Bus::connect(&BusConfig::for_url(url), "turnloom-doctor").await {
        Ok(bus) => bus,
        Err(error) => {
            let remedy = "check the address, and that nats-server runs";
            return vec![Finding::of(Verdict::Bad, ABOUT, error.to_string(), remedy)];
        }
    };
    let version = bus.server_version();
    let mut findings = vec![Finding::must(fits(&version), ABOUT, version, "use nats-server 2.12 or later")];
    findings.push(match bus.check().await {
        Ok(()) => Finding::good("  JetStream", "on"),
        Err(error) => {
            let remedy = "turn JetStream on: jetstream { store_dir: …, sync_interval: always }";
            Finding::of(Verdict::Bad, "  JetStream", error.to_string(), remedy)
        }
    });
    findings.push(match bus.layout().await {
        Ok(None) => Finding::of(Verdict::Odd, "  streams", "not there", STREAMS_REMEDY),
        Ok(Some(layout)) => Finding::good(
            "  streams",
            format!("{} partitions in {} group(s)", layout.partitions, layout.groups),
        ),
        Err(error) => Finding::of(Verdict::Odd, "  streams", error.to_string(), STREAMS_REMEDY),
    });
    findings.push(sync(monitor_url).await);
    findings
}

fn fits(version: &str) -> bool {
    let mut parts = version.split(['.', '-']).map(|part| part.parse::<u64>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= VERSION_MIN
}

/// What nats-server says of its own configuration.
async fn sync(monitor_url: Option<&str>) -> Finding {
    const ABOUT: &str = "  sync_interval";
    const REMEDY: &str =
        "set jetstream { sync_interval: always }: else a power cut loses acknowledged messages";
    let Some(url) = monitor_url else {
        let remedy =
            "say where nats-server tells of itself with TURNLOOM_NATS_MONITOR_URL (its http: setting)";
        return Finding::of(Verdict::Unknown, ABOUT, "cannot be asked for over a client connection", remedy);
    };
    match ask(url).await {
        Ok(told) => {
            let always = told.pointer("/config/sync_always").and_then(Value::as_bool) == Some(true);
            let interval = told.pointer("/config/sync_interval").and_then(Value::as_u64).unwrap_or(0);
            let found = if always { "always".to_owned() } else { format!("{} s", interval / 1_000_000_000) };
            Finding::must(always, ABOUT, found, REMEDY)
        }
        Err(error) => {
            let remedy = "check TURNLOOM_NATS_MONITOR_URL";
            Finding::of(Verdict::Unknown, ABOUT, format!("{url} does not answer: {error}"), remedy)
        }
    }
}

async fn ask(url: &str) -> Result<Value, reqwest::Error> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let http = reqwest::Client::builder().timeout(DEADLINE).build()?;
    http.get(format!("{}/jsz?config=1", url.trim_end_matches('/'))).send().await?.json().await
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_are_compared_by_number() {
        assert!(super::fits("2.15.1"));
        assert!(super::fits("2.12.0-RC.1"));
        assert!(super::fits("3.0"));
        assert!(!super::fits("2.9.10"));
        assert!(!super::fits(""));
    }
}
