//! NATS: does it answer, is it new enough, are the streams there, does it sync before it acknowledges.

use bus::durability::{Sync, sync_of};
use bus::{Bus, BusConfig};

use super::{Finding, Verdict};

/// The oldest version with everything that Turnloom uses.
const VERSION_MIN: (u64, u64) = (2, 12);
const STREAMS_REMEDY: &str = "start an execution-runner: it sets the streams up";

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
    match sync_of(url).await {
        Ok(Sync { always: true, .. }) => Finding::good(ABOUT, "always"),
        Ok(Sync { always: false, interval }) => {
            Finding::of(Verdict::Bad, ABOUT, format!("{} s", interval.as_secs()), REMEDY)
        }
        Err(error) => {
            let remedy = "check TURNLOOM_NATS_MONITOR_URL";
            Finding::of(Verdict::Unknown, ABOUT, error.to_string(), remedy)
        }
    }
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
