//! `turnloom bench grow`: whether answers stay as quick, and exact, from few executions to many.
//!
//! A product is started on data of its own, and its tables are filled by SQL with a year of executions: twice, so that the
//! same is asked of few and of many. Before anything is measured, what the API tells is compared with what is in the
//! tables. A difference ends in failure, a slow answer does not.

mod asks;
mod check;
mod database;
mod draw;
mod fill;
mod measure;
mod rollups;
mod samples;
mod shape;
mod table;
mod talkers;

use anyhow::Context;
use flow_model::WorkflowId;
use platform::clock;
use uuid::Uuid;

use crate::api::Api;
use crate::options::GrowOptions;
use crate::product::Starter;
use crate::talk::keyword;
use crate::{progress, workflows};
use draw::DAY_MS;
use fill::Filler;
use table::{Row, Times};

pub use table::Grown;

/// Executions start in so many days before now.
const SPAN_DAYS: i64 = 364;
/// Executions before this are filled in, so that those that are made meanwhile are apart.
const HOUR_MS: i64 = 60 * 60 * 1000;

/// Fills, compares and measures, with few executions and with many.
///
/// # Errors
/// When something cannot be started, filled in or asked. What is told wrongly is in what comes back.
pub(crate) async fn run(options: &GrowOptions, starter: &Starter) -> anyhow::Result<Grown> {
    anyhow::ensure!(options.small <= options.executions, "--small is more than --executions");
    progress::say("grow: starting");
    let product = starter.product(options.form).await?;
    let mut api = product.api();
    let ids = make_workflows(&mut api, options.workflows).await?;
    samples::make(&product.target, &keyword(u64::from(options.workflows) - 1)).await?;
    let mut hands = Vec::new();
    for _ in 0..fill::HANDS {
        hands.push(database::connect(&product.database_url()?).await?);
    }
    let end = clock::now_ms().div_euclid(HOUR_MS) * HOUR_MS;
    let span = end - SPAN_DAYS * DAY_MS..end;
    let mut filler = Filler::begin(hands, ids.clone(), span.clone()).await?;
    let (mut grown, mut measured) = (Grown::default(), Vec::new());
    for executions in [options.small, options.executions] {
        let mut sizes = shape::sizes(executions, options.workflows);
        filler.fill(&sizes).await?;
        let client = filler.client()?;
        database::settle(client).await?;
        let largest = sizes.first().copied().unwrap_or(0);
        if let Some(last) = sizes.last_mut() {
            *last += samples::EACH * 2;
        }
        let facts = check::facts(client, &ids, largest, &span).await?;
        let problems = check::everything(&mut api, client, &ids, &sizes, &facts).await?;
        grown
            .problems
            .extend(problems.into_iter().map(|problem| format!("{executions} executions: {problem}")));
        let mut times: Vec<(String, Times)> = Vec::new();
        for ask in facts.asks() {
            let took = measure::measure(&product.target, &ask, options.requests).await?;
            progress::say(&format!("grow: {}: p50 {:.2} ms, p99 {:.2} ms", ask.name, took.p50, took.p99));
            times.push((ask.name, took));
        }
        grown.notes.push(format!(
            "{executions} executions, {largest} of the largest workflow: its page 10,000 is page {}",
            facts.deep_page()
        ));
        measured.push(times);
    }
    let mut measured = measured.into_iter();
    let (small, large) = (measured.next().unwrap_or_default(), measured.next().unwrap_or_default());
    let rows = small.into_iter().zip(large);
    grown.rows = rows.map(|((request, small), (_, grown))| Row { request, small, grown }).collect();
    Ok(grown)
}

/// Makes the workflows; gives their ids, that of the largest first.
async fn make_workflows(api: &mut Api, many: u32) -> anyhow::Result<Vec<Uuid>> {
    let mut ids = Vec::new();
    for rank in 0..many {
        let workflow = workflows::fragile(&format!("Grown {rank}"), &keyword(u64::from(rank)));
        let id: WorkflowId = api.activate(&workflow).await?.parse().context("the id of a workflow")?;
        ids.push(*id.as_uuid());
    }
    progress::say(&format!("grow: {many} workflows"));
    Ok(ids)
}
