//! The metrics aggregator as a process of its own.

use clap::Parser;
use metrics_aggregator::{App, Config};
use platform::admin::Admin;
use platform::health::Health;
use platform::lifecycle::Shutdown;
use platform::telemetry;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NAME: &str = "metrics-aggregator";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    let telemetry = telemetry::init(NAME, &config.telemetry)?;
    let health = Health::new();
    let admin = Admin::bind(&config.admin, health.clone(), NAME)?;
    tracing::info!(admin = %admin.local_addr(), "starting");
    let shutdown = Shutdown::on_signals();
    let app = App::build(config, &health).await?;
    tracing::info!("ready");
    tokio::try_join!(app.run_until(shutdown.clone()), admin.run_until(shutdown))?;
    telemetry.shutdown().await;
    Ok(())
}
