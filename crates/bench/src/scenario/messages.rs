//! `greet`, `form`, `mixed`: customers who say something.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::{self, Expected};
use crate::figure::{Figure, Target};
use crate::load::{Plan, Schedule};
use crate::measure::{self, Measured, Work};
use crate::number::real;
use crate::product::Product;
use crate::progress;
use crate::report::Report;
use crate::scenario::Bench;
use crate::talk::{Habit, Said, Talk, keyword};
use crate::usage::{self, Memory, is_service};
use crate::workflows;
use crate::zipf::Zipf;

/// Workflows of `mixed`.
const MIXED_WORKFLOWS: u32 = 200;
/// Customers of `mixed`.
const MIXED_CUSTOMERS: u32 = 50_000;
/// One workflow in so many of `mixed` asks something.
const ASKS_EVERY: u32 = 4;
/// Kilobytes are thousands, as disks count.
const KILO: f64 = 1000.0;
/// The kind of the runners' processes.
const RUNNER: &str = "execution-runner";
/// Megabytes in a kB of `/proc`, which has 1024 bytes.
const MB_OF_KB: f64 = 0.001_024;

/// Who talks to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Greet,
    Form,
    Mixed,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Greet => "greet",
            Self::Form => "form",
            Self::Mixed => "mixed",
        }
    }

    fn replies_each(self) -> Option<u64> {
        match self {
            Self::Greet => Some(workflows::GREET_REPLIES),
            Self::Form => Some(workflows::FORM_REPLIES),
            Self::Mixed => None,
        }
    }

    /// Makes what is talked to; gives the workflows' ids.
    pub(super) async fn prepare(self, product: &Product) -> anyhow::Result<Vec<String>> {
        let mut api = product.api();
        match self {
            Self::Greet => Ok(vec![api.activate(&workflows::greet("Greet", "hello")).await?]),
            Self::Form => Ok(vec![api.activate(&workflows::form("Form", "start")).await?]),
            Self::Mixed => {
                let mut ids = Vec::new();
                for n in 0..MIXED_WORKFLOWS {
                    let (name, word) = (format!("Mixed {n}"), keyword(u64::from(n)));
                    let asks = n % ASKS_EVERY == ASKS_EVERY - 1;
                    let workflow =
                        if asks { workflows::ask(&name, &word) } else { workflows::greet(&name, &word) };
                    ids.push(api.activate(&workflow).await?);
                }
                Ok(ids)
            }
        }
    }

    /// What so many connections say.
    pub(super) fn talks(self, run: &str, connections: u32, customers: u64, waits: bool) -> Vec<Talk> {
        let (of_customers, of_workflows) = match self {
            Self::Mixed => (Zipf::new(MIXED_CUSTOMERS), Zipf::new(MIXED_WORKFLOWS)),
            Self::Greet | Self::Form => (Zipf::new(1), Zipf::new(1)),
        };
        let (of_customers, of_workflows) = (Arc::new(of_customers), Arc::new(of_workflows));
        let habit = || match self {
            Self::Greet => Habit::Greet { customers },
            Self::Form => Habit::Form { turn: 0 },
            Self::Mixed => {
                Habit::Mixed { customers: Arc::clone(&of_customers), workflows: Arc::clone(&of_workflows) }
            }
        };
        (0..connections).map(|connection| Talk::new(habit(), run, connection, waits)).collect()
    }
}

/// What was acknowledged so far, over all loads on one product.
#[derive(Default)]
pub(super) struct Ledger {
    acknowledged: u64,
    unknown: u64,
    samples: Vec<Said>,
}

impl Ledger {
    /// Takes in what a load said, and what was wrong with it.
    pub(super) fn add(&mut self, label: &str, measured: &Measured, talks: Vec<Talk>, report: &mut Report) {
        let all = measured.tally.all;
        self.acknowledged += all.good + all.wrong;
        self.unknown += all.unknown + all.refused;
        if all.refused + all.wrong + all.unknown + measured.tally.never_sent > 0 {
            let refusal = talks.iter().find_map(|talk| talk.refusal.clone()).unwrap_or_default();
            let (refused, wrong, unknown) = (all.refused, all.wrong, all.unknown);
            let never_sent = measured.tally.never_sent;
            report.notes.push(format!(
                "{label}: {refused} refused, {wrong} answered otherwise, {unknown} not answered, {never_sent} never sent; such as: {refusal}"
            ));
        }
        self.samples.extend(talks.into_iter().flat_map(|talk| talk.samples));
    }

    /// Looks for all of it.
    pub(super) async fn check(
        self,
        product: &Product,
        workflows: &[String],
        replies_each: Option<u64>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let Self { acknowledged, unknown, samples } = self;
        let expected = Expected { acknowledged, unknown, replies_each };
        let problems = check::everything(&mut product.api(), workflows, &expected, &samples).await?;
        report.problems.extend(problems);
        Ok(())
    }
}

pub(super) async fn play(bench: &mut Bench<'_>, kind: Kind) -> anyhow::Result<()> {
    progress::say(&format!("{}: starting", kind.name()));
    if bench.options.with_floor && kind == Kind::Greet {
        bench.measure_floor().await?;
    }
    let product = bench.product().await?;
    let idle = usage::memory(&product.roots());
    let workflows = kind.prepare(&product).await?;
    let mut ledger = Ledger::default();
    for connections in bench.options.connections.clone() {
        let label = label(kind, connections, bench.options.rate, product.form());
        let measured = say(bench, &product, kind, connections, &label, &mut ledger).await?;
        tell(bench, kind, connections, &label, &measured);
    }
    let idle = services_mb(&idle);
    if idle > 0.0 {
        let of = format!("{}, {}", kind.name(), product.form());
        bench.add(
            Figure::new(&of, "memory of services before", idle, "MB").wants(Some(Target::AtMost(120.0))),
        );
    }
    ledger.check(&product, &workflows, kind.replies_each(), &mut bench.report).await
}

fn label(kind: Kind, connections: u32, rate: Option<u32>, form: &str) -> String {
    let load = match rate {
        Some(rate) => format!("{rate}/s"),
        None if connections == 1 => "1 connection".to_owned(),
        None => format!("{connections} connections"),
    };
    format!("{}, {load}, {form}", kind.name())
}

/// Runs one load.
pub(super) async fn say(
    bench: &mut Bench<'_>,
    product: &Product,
    kind: Kind,
    connections: u32,
    label: &str,
    ledger: &mut Ledger,
) -> anyhow::Result<Measured> {
    let options = bench.options;
    let scripts = kind.talks(&Bench::run_name(), connections, options.customers, !options.no_wait);
    let work = Work {
        label,
        target: &product.target,
        roots: product.roots(),
        prefer: options.prefer(),
        plan: options.plan(),
        scripts,
    };
    let (measured, talks) = measure::run(work).await?;
    ledger.add(label, &measured, talks, &mut bench.report);
    Ok(measured)
}

/// What is wanted of `greet`: executions a second, p50 and p99.
fn targets(kind: Kind, connections: u32, plan: Plan) -> [Option<Target>; 3] {
    if kind != Kind::Greet {
        return [None; 3];
    }
    match (plan.schedule, connections) {
        (Schedule::Open { per_second: 1000 }, _) => {
            [None, Some(Target::AtMost(3.0)), Some(Target::AtMost(15.0))]
        }
        (Schedule::Closed, 256) => [Some(Target::AtLeast(15_000.0)), None, None],
        (Schedule::Closed, 64) => [Some(Target::AtLeast(8_000.0)), None, None],
        (Schedule::Closed, 1) => [None, Some(Target::AtMost(2.0)), Some(Target::AtMost(6.0))],
        (Schedule::Closed | Schedule::Open { .. }, _) => [None; 3],
    }
}

/// Adds the figures of one load.
fn tell(bench: &mut Bench<'_>, kind: Kind, connections: u32, label: &str, measured: &Measured) {
    let [rate, p50, p99] = targets(kind, connections, bench.options.plan());
    let (tally, used, floor) = (&measured.tally, &measured.used, bench.floor);
    bench.add(
        Figure::new(label, "executions/s", measured.per_second(), "")
            .wants(rate)
            .beside(floor.map(|floor| floor.per_second)),
    );
    bench.add(Figure::new(label, "p50", tally.percentile_ms(50.0), "ms").wants(p50));
    bench.add(Figure::new(label, "p99", tally.percentile_ms(99.0), "ms").wants(p99));
    bench.figure(label, "p99.9", tally.percentile_ms(99.9), "ms");
    bench.figure(label, "longest", tally.max_ms(), "ms");
    if !used.product.is_empty() {
        let greets = kind == Kind::Greet;
        let cpu = (greets && connections == 256).then_some(Target::AtMost(120.0));
        bench.add(
            Figure::new(label, "CPU each, whole product", measured.cpu_each(), "µs")
                .wants(cpu)
                .beside(floor.map(|floor| floor.cpu_each)),
        );
        let parts = [
            ("services", used.of_services()),
            ("nats", used.of("nats-server")),
            ("postgres", used.of("postgres")),
        ];
        for (part, spent) in parts {
            let figure = format!("  of this {part}");
            bench.figure(label, &figure, measured.of_each(spent.cpu_micros), "µs");
        }
        if let Some(bytes) = used.written_bytes {
            tell_written(bench, label, measured.of_each(bytes), greets.then_some(Target::AtMost(8.0)));
        }
        tell_memory(bench, label, &measured.memory);
    }
    bench.figure(label, "CPU each, load generator", measured.of_each(used.load.cpu_micros), "µs");
}

/// Adds what went to disk for each, bytes.
pub(super) fn tell_written(bench: &mut Bench<'_>, label: &str, each: f64, target: Option<Target>) {
    let floor = bench.floor.and_then(|floor| floor.written_each);
    let written = Figure::new(label, "written to disk each", each / KILO, "KB");
    bench.add(written.beside(floor.map(|each| each / KILO)).wants(target));
}

/// Adds what the services have, and of these the runner, where it is a process of its own.
pub(super) fn tell_memory(bench: &mut Bench<'_>, label: &str, memory: &BTreeMap<String, Memory>) {
    bench.figure(label, "memory of services", services_mb(memory), "MB");
    if let Some(runners) = memory.get(RUNNER) {
        let target = Some(Target::AtMost(200.0));
        let runners = megabytes(runners.pss_kb);
        bench.add(Figure::new(label, "  of this runners", runners, "MB").wants(target));
    }
}

/// Memory of our services, megabytes.
pub(super) fn services_mb(memory: &BTreeMap<String, Memory>) -> f64 {
    let services = memory.iter().filter(|(kind, _)| is_service(kind));
    megabytes(services.map(|(_, memory)| memory.pss_kb).sum())
}

/// What `/proc` tells as megabytes.
pub(super) fn megabytes(kb: u64) -> f64 {
    real(kb) * MB_OF_KB
}
