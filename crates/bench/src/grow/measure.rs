//! How long one kind of request takes: one at a time, over a connection that is kept, at a rate that loads nothing.

use std::time::{Duration, Instant};

use anyhow::Context;

use super::asks::Ask;
use super::table::Times;
use crate::http::{Connection, Request, Target};
use crate::load::{Outcome, Tally};
use crate::number::index;

/// Requests before those that are counted, at most.
const WARM_UP: u64 = 20;
/// Requests begin so far apart, unless the one before takes longer.
const PACE: Duration = Duration::from_millis(10);
/// What is slow is measured for so long, and not to the end.
const LONGEST: Duration = Duration::from_secs(40);
/// Bytes of a refusal that are shown.
const SHOWN_BYTES: usize = 300;

/// Asks so often.
///
/// # Errors
/// When it is not answered, or refused.
pub(super) async fn measure(target: &Target, ask: &Ask, requests: u64) -> anyhow::Result<Times> {
    let (mut request, mut connection) = (Request::of(target, None), Connection::to(target.address));
    let (mut tally, started) = (Tally::new()?, Instant::now());
    let warm_up = WARM_UP.min(requests);
    for n in 0..warm_up + requests {
        let path = ask.paths.get(index(n) % ask.paths.len().max(1)).context("nothing to ask for")?;
        request.get(path);
        let begun = Instant::now();
        let (status, body) =
            connection.exchange(&request).await.with_context(|| format!("{path} is not answered"))?;
        let took = begun.elapsed();
        if status != 200 {
            let shown = body.get(..SHOWN_BYTES.min(body.len())).unwrap_or_default();
            anyhow::bail!("{path} is answered with {status}: {}", String::from_utf8_lossy(shown));
        }
        let counts = n >= warm_up || started.elapsed() > LONGEST / 2;
        tally.count(Outcome::Good, counts, counts.then_some(took));
        if started.elapsed() > LONGEST {
            break;
        }
        tokio::time::sleep(PACE.saturating_sub(took)).await;
    }
    Ok(Times { requests: tally.window.good, p50: tally.percentile_ms(50.0), p99: tally.percentile_ms(99.0) })
}
