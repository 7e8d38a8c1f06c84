//! `scale`: the same load on more and more runners.

use super::messages::{self, Kind, Ledger};
use crate::progress;
use crate::scenario::Bench;

pub(super) async fn play(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    anyhow::ensure!(bench.starter.given.is_none(), "scale starts its own products: leave --url out");
    let connections = bench.options.connections.first().copied().unwrap_or(64);
    for runners in bench.options.runners.clone() {
        progress::say(&format!("scale: starting {runners} runners"));
        let product = bench.starter.services(runners).await?;
        let workflows = Kind::Greet.prepare(&product).await?;
        let mut ledger = Ledger::default();
        let some = if runners == 1 { "runner" } else { "runners" };
        let label = format!("scale, {runners} {some}, {connections} connections");
        let measured = messages::say(bench, &product, Kind::Greet, connections, &label, &mut ledger).await?;
        bench.figure(&label, "executions/s", measured.per_second(), "");
        bench.figure(&label, "p99", measured.tally.percentile_ms(99.0), "ms");
        bench.figure(&label, "CPU each, whole product", measured.cpu_each(), "µs");
        let replies = Some(crate::workflows::GREET_REPLIES);
        ledger.check(&product, &workflows, replies, &mut bench.report).await?;
    }
    Ok(())
}
