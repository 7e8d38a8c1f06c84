//! S8: connections that say nothing, or say it very slowly, are closed, and nobody else notices them.

use std::time::Duration;

use fault_suite::failure::Failure;
use fault_suite::patience::PATIENCE;
use futures::future::join_all;
use testkit::Api;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, interval, timeout};

use crate::account::Account;
use crate::memory::Watch;
use crate::pace::{Pace, Paced};
use crate::product::Product;
use crate::raw;
use crate::row::Row;
use crate::stage::Stage;

/// Attackers are closed within this.
const CLOSED_WITHIN: Duration = Duration::from_secs(20);
/// Time between two bytes of those who drip.
const DRIP: Duration = Duration::from_secs(1);
/// What others read meanwhile.
const PATH: &str = "/v1/workflows";

/// What an attacker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Nothing,
    /// A head that never ends.
    Head,
    /// A body that never ends, of an announced length.
    Body,
    /// The same in chunks.
    Chunks,
}

pub(super) async fn play(stage: &Stage, product: &Product, row: &mut Row) -> Result<(), Failure> {
    let account = Account::make(product, &format!("s8-{:08x}", stage.seed)).await?;
    let api = product.gateway(0, account.full())?;
    let base = Pace::during(&api, PATH, Duration::from_secs(stage.pick(2, 10))).await?;
    row.note(format!("others' p99 alone {} ms", base.p99().as_millis()));
    let attackers = [
        ("silent", Says::Nothing, stage.pick(300, 4000)),
        ("slow heads", Says::Head, stage.pick(50, 500)),
        ("dripped bodies", Says::Body, stage.pick(50, 500)),
        ("dripped chunks", Says::Chunks, stage.pick(20, 200)),
    ];
    for (name, says, count) in attackers {
        stage.say(&format!("{count} {name}"));
        let watch = Watch::start(&product.pids_of("gateway"));
        let (paced, last) = attack(&api, says, count, name, row).await;
        row.grew(watch.grew(), u64::MAX);
        row.time(format!("{name} all closed after"), last, CLOSED_WITHIN);
        row.time(format!("others' p99 beside {name}"), paced.p99(), base.p99() * 2);
        row.must(paced.answered() > 0 && paced.failed.is_empty(), || {
            let first = paced.failed.first().cloned().unwrap_or_default();
            format!(
                "{} of {} requests of others failed: {first}",
                paced.failed.len(),
                paced.answered() + paced.failed.len()
            )
        });
    }
    Ok(())
}

/// All of them at once; gives how others fared until the last one was closed, and when that was.
async fn attack(api: &Api, says: Says, count: usize, name: &str, row: &mut Row) -> (Paced, Duration) {
    let pace = Pace::start(api, PATH);
    let begun = Instant::now();
    let attackers = (0..count).map(|_| {
        let api = api.clone();
        // In tasks of their own, so that they come as fast as they can.
        tokio::spawn(async move { timeout(PATIENCE, is_closed(&api, says)).await.unwrap_or(false) })
    });
    let attackers: Vec<_> = attackers.collect();
    for closed in join_all(attackers).await {
        let closed = closed.unwrap_or(false);
        row.tried(closed, || format!("a connection ({name}) is open after {} s", PATIENCE.as_secs()));
    }
    (pace.so_far(), begun.elapsed())
}

/// Holds a connection until it is closed.
async fn is_closed(api: &Api, says: Says) -> bool {
    // One that is not even taken is as good as closed.
    let Ok(stream) = raw::connect(api).await else { return true };
    let (mut reader, mut writer) = stream.into_split();
    let dripping = async {
        let json = "content-type: application/json";
        let head = match says {
            Says::Nothing => return std::future::pending().await,
            Says::Head => raw::head(api, "GET", PATH, &["x-slow: "]).trim_end().to_owned(),
            Says::Body => raw::head(api, "POST", PATH, &[json, "content-length: 100000"]),
            Says::Chunks => raw::head(api, "POST", PATH, &[json, "transfer-encoding: chunked"]),
        };
        writer.write_all(head.as_bytes()).await?;
        let drip: &[u8] = if says == Says::Chunks { b"1\r\n \r\n" } else { b" " };
        let mut ticks = interval(DRIP);
        loop {
            ticks.tick().await;
            writer.write_all(drip).await?;
        }
    };
    let dripping = async {
        let ended: Result<(), std::io::Error> = dripping.await;
        // Who cannot write any more may still have to read that it was refused.
        if ended.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        heard = raw::hear(&mut reader, PATIENCE) => heard.closed,
        () = dripping => false,
    }
}
