//! `read`: what a console or another system reads all day, among many workflows, while some are changed.

mod asks;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use serde_json::Value;

use super::messages::{Kind, Ledger};
use crate::bare::Bare;
use crate::figure::{Figure, Target};
use crate::http;
use crate::load::{Plan, Schedule};
use crate::measure::{self, Measured, Work};
use crate::product::Product;
use crate::progress;
use crate::scenario::Bench;
use crate::workflows;
use asks::{Asks, Known, Makes, What};

/// Connections that make the workflows.
const MAKERS: u32 = 16;
/// So long messages are said at most, which make the executions that are read.
const TALK_MAX: Duration = Duration::from_secs(5);
/// Each kind of read is measured for a part of the time at least so long.
const LEAST: Duration = Duration::from_secs(1);
/// Reads of a workflow begun in a second, when the tail of latencies is looked at.
const OPEN_PER_SECOND: u32 = 2000;
/// Executions whose details are read.
const EXECUTIONS: usize = 100;

pub(super) async fn play(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    progress::say("read: starting");
    let product = bench.product().await?;
    let greet = Kind::Greet.prepare(&product).await?;
    let known = Arc::new(fill(bench, &product, &greet).await?);
    let connections = bench.options.connections.first().copied().unwrap_or(64);
    let bare = bare(bench, &known, connections).await?;
    let prefix = format!("read, {connections} connections");
    for what in What::ALL {
        let label = format!("{prefix}: {}", what.name());
        let measured = ask(bench, &product, &known, what, connections, Schedule::Closed, &label).await?;
        let target = (what == What::Workflow).then_some(Target::PercentOfFloor(25.0));
        bench.add(
            Figure::new(&label, "requests/s", measured.per_second(), "")
                .wants(target)
                .beside(Some(bare.per_second())),
        );
        bench.figure(&label, "p50", measured.tally.percentile_ms(50.0), "ms");
        bench.figure(&label, "p99", measured.tally.percentile_ms(99.0), "ms");
        if !measured.used.product.is_empty() {
            bench.figure(&label, "CPU each, whole product", measured.cpu_each(), "µs");
        }
    }
    let schedule = Schedule::Open { per_second: OPEN_PER_SECOND };
    let label = format!("read, {OPEN_PER_SECOND}/s: {}", What::Workflow.name());
    let measured = ask(bench, &product, &known, What::Workflow, connections, schedule, &label).await?;
    bench.figure(&label, "p50", measured.tally.percentile_ms(50.0), "ms");
    bench.add(
        Figure::new(&label, "p99", measured.tally.percentile_ms(99.0), "ms").wants(Some(Target::AtMost(2.0))),
    );
    Ok(())
}

/// Makes the workflows and some executions.
async fn fill(bench: &mut Bench<'_>, product: &Product, greet: &[String]) -> anyhow::Result<Known> {
    let many = bench.options.workflows;
    progress::say(&format!("read: making {many} workflows"));
    let scripts =
        (0..MAKERS).map(|maker| Makes::new(maker, many / MAKERS + u32::from(maker < many % MAKERS)));
    let plan = Plan { schedule: Schedule::Closed, warm_up: Duration::ZERO, window: Duration::from_hours(1) };
    let work = Work {
        label: "read, making workflows",
        target: &product.target,
        roots: product.roots(),
        prefer: None,
        plan,
        scripts: scripts.collect(),
    };
    let (made, makers) = measure::run(work).await?;
    bench.figure("read, before", "workflows made/s", made.per_second(), "");
    let talks = Kind::Greet.talks(&Bench::run_name(), MAKERS, bench.options.customers, true);
    let plan = Plan { window: bench.options.plan().window.min(TALK_MAX), ..plan };
    let label = "read, talking";
    let (target, roots, prefer) = (&product.target, product.roots(), Some("wait=30"));
    let work = Work { label, target, roots, prefer, plan, scripts: talks };
    let (measured, talks) = measure::run(work).await?;
    let mut ledger = Ledger::default();
    ledger.add(label, &measured, talks, &mut bench.report);
    ledger.check(product, greet, Some(workflows::GREET_REPLIES), &mut bench.report).await?;
    let workflow = greet.first().cloned().context("a workflow")?;
    let mut api = product.api();
    let listed = api.get(&format!("/v1/workflows/{workflow}/executions?limit={EXECUTIONS}")).await?;
    let listed = listed.pointer("/data").and_then(Value::as_array).cloned().unwrap_or_default();
    let id = |execution: &Value| execution.get("id").and_then(Value::as_str).map(str::to_owned);
    let executions: Vec<String> = listed.iter().filter_map(id).collect();
    anyhow::ensure!(!executions.is_empty(), "there are no executions to read");
    let workflows: Vec<String> = makers.into_iter().flat_map(|maker| maker.made).collect();
    anyhow::ensure!(!workflows.is_empty(), "no workflow could be made");
    Ok(Known { workflows, talked_to: workflow, executions })
}

/// How the part of the time is that one kind of read has.
fn plan(bench: &Bench<'_>, schedule: Schedule) -> Plan {
    let whole = bench.options.plan();
    // The five reads, the bare handler, and the open load.
    Plan { schedule, warm_up: whole.warm_up / 7, window: (whole.window / 7).max(LEAST) }
}

/// The bare handler under the same load, with an answer as long as that of one workflow.
async fn bare(bench: &Bench<'_>, known: &Arc<Known>, connections: u32) -> anyhow::Result<Measured> {
    let body = serde_json::to_vec(&serde_json::json!({"data": workflows::greet("Bare", "bare")}))?;
    let bare = Bare::serve(Bytes::from(body))?;
    let target = http::Target { address: bare.address, key: String::new() };
    let scripts = (0..connections).map(|n| Asks::new(What::Workflow, Arc::clone(known), n).without_writes());
    let work = Work {
        label: "a bare actix handler",
        target: &target,
        roots: Vec::new(),
        prefer: None,
        plan: plan(bench, Schedule::Closed),
        scripts: scripts.collect(),
    };
    Ok(measure::run(work).await?.0)
}

/// One kind of read.
async fn ask(
    bench: &mut Bench<'_>,
    product: &Product,
    known: &Arc<Known>,
    what: What,
    connections: u32,
    schedule: Schedule,
    label: &str,
) -> anyhow::Result<Measured> {
    let scripts = (0..connections).map(|n| Asks::new(what, Arc::clone(known), n)).collect();
    let (target, roots, plan) = (&product.target, product.roots(), plan(bench, schedule));
    let work = Work { label, target, roots, prefer: None, plan, scripts };
    let (measured, scripts) = measure::run(work).await?;
    let all = measured.tally.all;
    if all.refused + all.wrong + all.unknown > 0 {
        let refusal = scripts.into_iter().find_map(|script| script.refusal).unwrap_or_default();
        let bad = all.refused + all.wrong + all.unknown;
        bench.report.problems.push(format!("{label}: {bad} of {} failed: {refusal}", all.good + bad));
    }
    Ok(measured)
}
