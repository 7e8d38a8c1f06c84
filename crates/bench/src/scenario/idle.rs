//! `idle`: how soon each service is ready on data that are there, and what all of them have while nothing happens.

use std::time::{Duration, Instant};

use anyhow::Context;

use super::messages::{self, Kind};
use crate::figure::{Figure, Target, millis};
use crate::number::real;
use crate::product::Part;
use crate::progress;
use crate::scenario::Bench;
use crate::usage;

/// How long nothing happens before it is measured.
const REST: Duration = Duration::from_secs(10);

pub(super) async fn play(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    anyhow::ensure!(bench.starter.given.is_none(), "idle starts its own product: leave --url out");
    progress::say("idle: starting");
    let mut product = bench.starter.services(1).await?;
    Kind::Greet.prepare(&product).await?;
    for part in [Part::Runner(0), Part::Catalog, Part::Aggregator, Part::Gateway] {
        let services = product.services().context("separate services")?;
        services.is_ready(part).await?;
        services.stop(part);
        let begun = Instant::now();
        services.begin(part)?;
        services.is_ready(part).await?;
        let took = millis(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        let target = Some(Target::AtMost(300.0));
        bench.add(Figure::new("idle", &format!("{} ready after", part.program()), took, "ms").wants(target));
    }
    progress::say(&format!("idle: nothing happens for {} s", REST.as_secs()));
    let roots = product.roots();
    let before = usage::Usage::now(&roots);
    tokio::time::sleep(REST).await;
    let used = usage::Usage::now(&roots).since(&before);
    let memory = usage::memory(&roots);
    let all = messages::services_mb(&memory);
    bench.add(Figure::new("idle", "memory of all services", all, "MB").wants(Some(Target::AtMost(120.0))));
    for (kind, memory) in &memory {
        let target = usage::is_service(kind).then_some(Target::AtMost(40.0));
        bench.add(
            Figure::new("idle", &format!("  of this {kind}"), messages::megabytes(memory.pss_kb), "MB")
                .wants(target),
        );
    }
    let share = real(used.sum().cpu_micros) / REST.as_secs_f64() / 10_000.0;
    bench.figure("idle", "CPU of the whole product", share, "% of a core");
    Ok(())
}
