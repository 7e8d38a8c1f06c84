//! The API as callers meet it, and this machine's disk.

use std::path::Path;

use chrono::DateTime;

use super::database::{CLOCK_OFF_MAX, clock_off};
use super::{Finding, Verdict};
use crate::connection::Connection;

/// Less free space than this is odd, and a tenth of it is bad: streams and tables stop when the disk is full.
const FREE_BYTES_ODD: u64 = 5 << 30;
/// The `Date` header has whole seconds and is renewed twice a second: a clock that is right seems to be behind by
/// anything up to 1.5 s. Half of it, seconds, is what is added, and also how far it may be off then.
const HEADER_BEHIND: f64 = 0.75;

pub(super) async fn api(connection: &Connection) -> Vec<Finding> {
    const ABOUT: &str = "API";
    let api = match connection.api() {
        Ok(api) => api,
        Err(error) => {
            let remedy = "start `turnloom up`, or say where it is with TURNLOOM_URL and TURNLOOM_API_KEY";
            return vec![Finding::of(Verdict::Unknown, ABOUT, format!("not looked at: {error}"), remedy)];
        }
    };
    let date = match api.date().await {
        Ok(date) => date,
        Err(error) => {
            let remedy = "check the address, and that a gateway runs";
            return vec![Finding::of(Verdict::Bad, ABOUT, error.to_string(), remedy)];
        }
    };
    let mut findings = vec![Finding::good(ABOUT, api.url())];
    if let Ok(there) = DateTime::parse_from_rfc2822(&date) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds since 1970 fit a double for 285 million years"
        )]
        findings.push(clock(clock_off(there.timestamp() as f64)));
    }
    findings.push(match api.get("/v1/workflows", &[("limit", "1".to_owned())]).await {
        Ok(found) => {
            let total = found.pointer("/pagination/total").map(ToString::to_string).unwrap_or_default();
            Finding::good("  key and services", format!("{total} workflows"))
        }
        Err(error) => {
            let remedy = "check the key; look at /readyz of each service";
            Finding::of(Verdict::Bad, "  key and services", error.to_string(), remedy)
        }
    });
    findings
}

/// What there is to say about a clock whose header is ahead by so many seconds.
fn clock(header_off: f64) -> Finding {
    let off = header_off + HEADER_BEHIND;
    let found = if off.abs() <= 1.0 {
        "within a second of this machine's".to_owned()
    } else {
        format!("about {off:+.0} s to this machine's")
    };
    let holds = off.abs() <= CLOCK_OFF_MAX + HEADER_BEHIND;
    Finding::must(holds, "  clock", found, "let NTP set both clocks")
}

pub(super) fn disk(data_dir: &Path) -> Option<Finding> {
    const REMEDY: &str = "make room: a full disk stops intake, and nothing is lost until then";
    let space = rustix::fs::statvfs(data_dir).ok()?;
    let free = space.f_bavail * space.f_frsize;
    let found = format!("{} GB free where {} is", free / 1_000_000_000, data_dir.display());
    Some(match free {
        free if free < FREE_BYTES_ODD / 10 => Finding::of(Verdict::Bad, "disk", found, REMEDY),
        free if free < FREE_BYTES_ODD => Finding::of(Verdict::Odd, "disk", found, REMEDY),
        _ => Finding::good("disk", found),
    })
}

#[cfg(test)]
mod tests {
    use super::{Verdict, clock};

    #[test]
    fn a_clock_that_is_right_is_not_said_to_be_behind() {
        for header_off in [0.0, -0.4, -1.0, -1.5] {
            let finding = clock(header_off);
            assert_eq!(finding.verdict, Verdict::Good);
            assert_eq!(finding.found, "within a second of this machine's", "{header_off}");
        }
    }

    #[test]
    fn a_clock_that_is_wrong_is_found() {
        for (header_off, found) in [(4.25, "about +5 s to"), (-10.75, "about -10 s to")] {
            let finding = clock(header_off);
            assert_eq!(finding.verdict, Verdict::Bad);
            assert!(finding.found.starts_with(found), "{}", finding.found);
        }
    }
}
