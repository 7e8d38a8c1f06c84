//! S10: never more than the limit in any hour, over all gateways, however many of them are killed meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fault_suite::failure::Failure;
use fault_suite::patience::PATIENCE;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Api;
use tokio::time::{sleep, timeout};

use crate::account::Account;
use crate::calls;
use crate::product::{GATEWAYS, Product};
use crate::row::Row;
use crate::stage::Stage;

/// What a key may send of a class in an hour.
const LIMIT: usize = 200;
/// A limit that is exact: no gateway holds anything of it.
const SMALL_LIMIT: usize = 40;
/// Requests that are under way at once.
const SENDERS: usize = 12;
/// So often the limit is sent.
const TIMES: usize = 5;
/// Gateways that are killed during the burst.
const KILLS: usize = 6;

/// What came of a burst.
#[derive(Debug, Default)]
struct Burst {
    sent: AtomicUsize,
    admitted: AtomicUsize,
    refused: AtomicUsize,
    /// Without an answer, or with one that says nothing about the limit.
    unknown: AtomicUsize,
    /// Refusals that do not say when to come again.
    mute: AtomicUsize,
}

pub(super) async fn play(stage: &Stage, product: &mut Product, row: &mut Row) -> Result<(), Failure> {
    let limits = [format!("write={LIMIT}"), format!("delete={SMALL_LIMIT}")];
    let limits: Vec<&str> = limits.iter().map(String::as_str).collect();
    let account = Account::limited(product, &format!("s10-{:08x}", stage.seed), &limits).await?;
    let gateways =
        (0..GATEWAYS).map(|n| product.gateway(n, account.full())).collect::<Result<Vec<_>, _>>()?;
    // Each request that is admitted makes a knowledge base, so those without an answer are counted too.
    let burst = Arc::new(Burst::default());
    let senders = (0..SENDERS).map(|sender| {
        let (burst, gateways) = (Arc::clone(&burst), gateways.clone());
        tokio::spawn(async move { send(&burst, &gateways, sender, LIMIT * TIMES, make).await })
    });
    let senders = join_all(senders.collect::<Vec<_>>());
    let killing = async {
        for kill in 0..KILLS {
            let from = LIMIT * TIMES * kill / KILLS;
            while burst.sent.load(Ordering::SeqCst) < from {
                sleep(Duration::from_millis(5)).await;
            }
            product.restart(&format!("gateway-{}", kill % GATEWAYS))?;
        }
        Ok::<_, Failure>(())
    };
    let (ended, killed) = tokio::join!(timeout(PATIENCE, senders), killing);
    killed?;
    row.must(ended.is_ok(), || "the burst does not end".to_owned());
    product.is_ready().await.ok();
    let listed = calls::get(&product.gateway(0, account.full())?, "/v1/knowledge-bases?limit=1").await?;
    let made = listed.body.pointer("/pagination/total").and_then(Value::as_u64).unwrap_or(u64::MAX);
    judge(row, &burst, usize::try_from(made).unwrap_or(usize::MAX), LIMIT);
    row.note(format!("{made} of {LIMIT} admitted while {KILLS} gateways were killed"));
    exactly(product, row, &account).await
}

/// Without kills a small limit is exact.
async fn exactly(product: &Product, row: &mut Row, account: &Account) -> Result<(), Failure> {
    let gateways =
        (0..GATEWAYS).map(|n| product.gateway(n, account.full())).collect::<Result<Vec<_>, _>>()?;
    let burst = Arc::new(Burst::default());
    let senders = (0..SENDERS).map(|sender| {
        let (burst, gateways) = (Arc::clone(&burst), gateways.clone());
        tokio::spawn(async move { send(&burst, &gateways, sender, SMALL_LIMIT * TIMES, remove).await })
    });
    join_all(senders.collect::<Vec<_>>()).await;
    let admitted = burst.admitted.load(Ordering::SeqCst);
    judge(row, &burst, admitted, SMALL_LIMIT);
    row.note(format!("{admitted} of {SMALL_LIMIT} admitted where a limit is small"));
    Ok(())
}

fn judge(row: &mut Row, burst: &Burst, took_effect: usize, limit: usize) {
    let of = |count: &AtomicUsize| count.load(Ordering::SeqCst);
    let admitted = of(&burst.admitted).max(took_effect);
    row.tries += of(&burst.sent) as u64;
    row.got_through += admitted.saturating_sub(limit) as u64;
    row.must(admitted <= limit, || format!("{admitted} requests were admitted, {limit} were allowed"));
    row.must(of(&burst.refused) > 0, || "nothing was refused".to_owned());
    row.must(of(&burst.mute) == 0, || format!("{} refusals do not say when to come again", of(&burst.mute)));
    row.note(format!("{} of {} without an answer", of(&burst.unknown), of(&burst.sent)));
}

async fn send(
    burst: &Burst,
    gateways: &[Api],
    first: usize,
    most: usize,
    request: fn(&Api, usize) -> reqwest::RequestBuilder,
) {
    let mut turn = first;
    loop {
        let number = burst.sent.fetch_add(1, Ordering::SeqCst);
        if number >= most {
            return;
        }
        turn += 1;
        let Some(api) = gateways.get(turn % gateways.len()) else { return };
        let count = match api.try_send(request(api, number)).await {
            Some(answer) if answer.status == 429 => {
                if answer.header("retry-after").parse::<u64>().is_err() {
                    burst.mute.fetch_add(1, Ordering::SeqCst);
                }
                &burst.refused
            }
            Some(answer) if matches!(answer.status, 201 | 404) => &burst.admitted,
            Some(_) => &burst.unknown,
            None => {
                // It is being started again.
                sleep(Duration::from_millis(20)).await;
                &burst.unknown
            }
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

fn make(api: &Api, number: usize) -> reqwest::RequestBuilder {
    api.request(Method::POST, "/v1/knowledge-bases").json(&json!({"name": format!("base-{number}")}))
}

fn remove(api: &Api, number: usize) -> reqwest::RequestBuilder {
    api.request(Method::DELETE, &format!("/v1/knowledge-bases/none-{number}"))
}
