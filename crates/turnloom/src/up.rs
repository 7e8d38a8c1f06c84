//! `turnloom up`: a local stack and all services, in one process.

mod api_key;
mod bus_users;
mod secrets_key;
mod welcome;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use bus_users::BusUsers;
use contracts::access::Party;
use contracts::subject;
use flow_model::AccountId;
use gateway::Switch;
use local_stack::{Nats, Postgres};
use platform::admin::{Admin, AdminConfig};
use platform::health::Health;
use platform::lifecycle::Shutdown;
use platform::telemetry::{self, TelemetryConfig};
use secrecy::SecretString;
use secrets::SecretsConfig;

use crate::run_file::RunFile;
use crate::services::{Services, Settings};

/// What `turnloom up` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Where the API is served; port 0 takes a free one
    #[arg(long, env = "TURNLOOM_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Keeps nothing: the data go away at the end
    #[arg(long)]
    ephemeral: bool,
    /// The full-access key of the account `default`; kept in `api-key` in the data directory. Made when there is none
    #[arg(long, env = "TURNLOOM_BOOTSTRAP_KEY", hide_env_values = true)]
    bootstrap_key: Option<String>,
    /// Whether keys are limited in requests per hour (read 1000, write 100, delete 50, execution 500)
    #[arg(long, env = "TURNLOOM_RATE_LIMITS", default_value = "on")]
    rate_limits: Switch,
    #[command(flatten)]
    secrets: SecretsConfig,
    #[command(flatten)]
    admin: AdminConfig,
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

/// Starts everything and runs until Ctrl-C.
///
/// # Errors
/// When something cannot be started, or a service fails.
pub async fn run(arguments: Arguments, data_dir: &Path) -> anyhow::Result<()> {
    let telemetry = telemetry::init("turnloom", &arguments.telemetry)?;
    let shutdown = Shutdown::on_signals();
    let data_dir = (!arguments.ephemeral).then_some(data_dir);
    if let Some(directory) = data_dir {
        fs::create_dir_all(directory).with_context(|| format!("--data-dir: {}", directory.display()))?;
    }
    let api_key = api_key::obtain(arguments.bootstrap_key.as_deref(), data_dir)?;
    let secrets_key = secrets_key::obtain(&arguments.secrets, data_dir)?;
    let stack = Stack::start(data_dir).await?;
    let keys = Keys { api_key, secrets_key };
    let result = Box::pin(serve(&arguments, &stack, keys, data_dir, shutdown)).await;
    if let Some(directory) = data_dir {
        RunFile::remove(directory);
    }
    tokio::task::spawn_blocking(move || stack.stop()).await?;
    telemetry.shutdown().await;
    result
}

/// What is kept beside the data.
struct Keys {
    api_key: String,
    secrets_key: SecretString,
}

async fn serve(
    arguments: &Arguments,
    stack: &Stack,
    Keys { api_key, secrets_key }: Keys,
    data_dir: Option<&Path>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let health = Health::new();
    let admin = Admin::bind(&arguments.admin, health.clone(), "turnloom")?;
    let settings = Settings {
        database_url: stack.postgres.url(),
        nats_url: stack.users.url(&stack.nats.url(), Party::Operator),
        nats_monitor_url: stack.nats.monitor_url(),
        listen: arguments.listen,
        api_key: api_key.clone(),
        secrets_key,
        rate_limits: arguments.rate_limits,
    };
    let urls = stack.users.urls(&stack.nats.url());
    let started = Instant::now();
    let services = tokio::select! {
        built = Services::build_as(&settings, &urls, &[], &health) => built?,
        () = shutdown.requested() => return Ok(()),
    };
    welcome::progress("services", started.elapsed());
    let run = RunFile {
        api_url: format!("http://{}", services.address()),
        nats_url: settings.nats_url.clone(),
        nats_monitor_url: settings.nats_monitor_url.clone(),
        database_url: settings.database_url.clone(),
        events_subject: subject::events(AccountId::named("default"), ">"),
    };
    if let Some(directory) = data_dir {
        run.write(directory)?;
    }
    welcome::greet(&run, &api_key, data_dir, admin.local_addr());
    tokio::try_join!(services.run_until(shutdown.clone()), admin.run_until(shutdown))?;
    Ok(())
}

/// The servers beneath.
struct Stack {
    postgres: Postgres,
    nats: Nats,
    users: BusUsers,
}

impl Stack {
    /// Starts both, side by side.
    async fn start(data_dir: Option<&Path>) -> anyhow::Result<Self> {
        let started = Instant::now();
        let (of_postgres, of_nats) =
            (data_dir.map(|path| path.join("postgres")), data_dir.map(|path| path.join("nats")));
        let users = BusUsers::new();
        let known = users.for_broker(of_nats.as_deref())?;
        let postgres = tokio::task::spawn_blocking(move || match of_postgres {
            Some(directory) => Postgres::start(&directory),
            None => Postgres::ephemeral(),
        });
        let nats = tokio::task::spawn_blocking(move || Nats::start_with(of_nats.as_deref(), known));
        let (postgres, nats) = tokio::try_join!(postgres, nats)?;
        let stack = Self { postgres: postgres?, nats: nats?, users };
        welcome::progress("PostgreSQL and nats-server", started.elapsed());
        Ok(stack)
    }

    fn stop(mut self) {
        self.nats.stop();
        self.postgres.stop();
    }
}
