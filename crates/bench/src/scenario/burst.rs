//! `burst`: many messages wait, and are handled as fast as can be; and the floor, which handles the very same frames.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::messages::{Kind, Ledger};
use crate::figure::{Figure, Target};
use crate::floor::{self, Floor};
use crate::load::{Plan, Schedule};
use crate::measure::{self, Work};
use crate::number::{each, real};
use crate::product::{Part, Product};
use crate::progress;
use crate::scenario::Bench;
use crate::usage::{self, Memory, Usage};
use crate::workflows;

/// Connections that post the messages.
const CONNECTIONS: u32 = 256;
/// A fill that takes longer is given up.
const FILL_MAX: Duration = Duration::from_hours(6);
/// How often it is looked how many are handled.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A drain in which nothing happens for so long has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// How fast what waited was handled.
struct Drained {
    per_second: f64,
    used: Usage,
    handled: u64,
    memory: BTreeMap<usage::Kind, Memory>,
}

pub(super) async fn play(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let stops = bench.starter.given.is_none();
    let product = if stops {
        bench.starter.services(1).await?
    } else {
        bench.starter.product(bench.options.form).await?
    };
    drain(bench, product, stops, bench.options.with_floor).await
}

/// A burst whose only purpose is its floor.
pub(super) async fn with_floor(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    anyhow::ensure!(bench.starter.given.is_none(), "the floor needs a stack of its own: leave --url out");
    let product = bench.starter.services(1).await?;
    drain(bench, product, true, true).await
}

async fn drain(bench: &mut Bench<'_>, mut product: Product, stops: bool, floor: bool) -> anyhow::Result<()> {
    // Who activates a workflow before the runner is there is told to try again.
    if let Some(services) = product.services().filter(|_| stops) {
        services.is_ready(Part::Runner(0)).await?;
    }
    let ids = Kind::Greet.prepare(&product).await?;
    let workflow = ids.first().cloned().context("a workflow")?;
    if let Some(services) = product.services().filter(|_| stops) {
        services.stop(Part::Runner(0));
    }
    let mut ledger = Ledger::default();
    let (begun, used_before) = (Instant::now(), Usage::now(&product.roots()));
    let (messages, filled) = fill(bench, &product, &mut ledger).await?;
    let mut frames = Vec::new();
    let drained = if let Some(services) = product.services().filter(|_| stops) {
        if floor {
            frames = floor::frames_of(services).await?;
        }
        floor::checkpoint(&services.postgres.url()).await?;
        let before = Usage::now(&services.roots());
        services.begin(Part::Runner(0))?;
        handled(&product, &workflow, messages, &before).await?
    } else {
        // It handled them while they came.
        let mut drained = handled(&product, &workflow, messages, &used_before).await?;
        drained.per_second = real(messages) / begun.elapsed().as_secs_f64();
        drained
    };
    ledger.check(&product, &ids, Some(workflows::GREET_REPLIES), &mut bench.report).await?;
    if floor && let Some(services) = product.services() {
        services.stop(Part::Runner(0));
        services.stop(Part::Aggregator);
        bench.floor = Some(floor::measure(services, &frames).await?);
    }
    tell(bench, &drained, messages, filled);
    Ok(())
}

/// Posts the messages; gives how many were acknowledged and how many that were in a second.
async fn fill(bench: &mut Bench<'_>, product: &Product, ledger: &mut Ledger) -> anyhow::Result<(u64, f64)> {
    let options = bench.options;
    let left = options.messages.div_ceil(u64::from(CONNECTIONS));
    let talks = Kind::Greet.talks(&Bench::run_name(), CONNECTIONS, options.customers, false);
    let scripts: Vec<_> = talks.into_iter().map(|talk| talk.at_most(left)).collect();
    let plan = Plan { schedule: Schedule::Closed, warm_up: Duration::ZERO, window: FILL_MAX };
    let (label, roots) = ("burst, filling", product.roots());
    let work = Work { label, target: &product.target, roots, prefer: None, plan, scripts };
    let (measured, talks) = measure::run(work).await?;
    ledger.add(label, &measured, talks, &mut bench.report);
    Ok((measured.tally.all.good, measured.per_second()))
}

/// Waits until so many are handled. It counts from the first look that sees any.
async fn handled(
    product: &Product,
    workflow: &str,
    messages: u64,
    before: &Usage,
) -> anyhow::Result<Drained> {
    let mut api = product.api();
    let mut first: Option<(u64, Instant)> = None;
    let (mut last, mut since) = (0, Instant::now());
    loop {
        // While no runner is ready nobody says.
        let total = api.total(workflow, "").await.unwrap_or(0);
        let now = Instant::now();
        if total > last {
            (last, since) = (total, now);
            first.get_or_insert((total, now));
            progress::say(&format!("burst: {total} of {messages} handled"));
        }
        anyhow::ensure!(since.elapsed() < PATIENCE, "only {last} of {messages} messages are handled");
        if total >= messages {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let (seen, from) = first.context("nothing was handled")?;
    let roots = product.roots();
    let used = Usage::now(&roots).since(before);
    let seconds = since.duration_since(from).as_secs_f64().max(0.001);
    let memory = usage::memory(&roots);
    Ok(Drained { per_second: real(last - seen) / seconds, used, handled: last, memory })
}

fn tell(bench: &mut Bench<'_>, drained: &Drained, messages: u64, filled: f64) {
    let label = format!("burst, {messages} messages");
    let floor = bench.floor;
    let beside = |of: fn(Floor) -> f64| floor.map(of);
    let Drained { used, handled, .. } = drained;
    let sum = used.sum();
    let target = Some(Target::PercentOfFloor(60.0));
    bench.add(
        Figure::new(&label, "executions/s", drained.per_second, "")
            .wants(target)
            .beside(beside(|floor| floor.per_second)),
    );
    bench.figure(&label, "acknowledged/s before", filled, "");
    if sum.cpu_micros > 0 {
        let cpu = each(real(sum.cpu_micros), *handled);
        let cpu = Figure::new(&label, "CPU each, whole product", cpu, "µs");
        bench.add(cpu.beside(beside(|floor| floor.cpu_each)));
        for (part, spent) in [
            ("services", used.of_services()),
            ("nats", used.of("nats-server")),
            ("postgres", used.of("postgres")),
        ] {
            bench.figure(&label, &format!("  of this {part}"), each(real(spent.cpu_micros), *handled), "µs");
        }
        if let Some(bytes) = used.written_bytes {
            super::messages::tell_written(bench, &label, each(real(bytes), *handled), None);
        }
        super::messages::tell_memory(bench, &label, &drained.memory);
    }
}
