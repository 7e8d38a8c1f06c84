//! The product under attack: all services as processes of their own, on a private database and broker.

use std::path::PathBuf;
use std::process::ExitStatus;

use fault_suite::failure::{Failure, io_error};
use fault_suite::patience::until;
use fault_suite::ports;
use fault_suite::process::Process;
use gateway::key::ApiKey;
use local_stack::{Nats, Postgres};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use testkit::Api;

use crate::stage::Stage;

/// Gateways of a product.
pub const GATEWAYS: usize = 3;
/// Services besides them.
const OTHERS: [&str; 3] = ["execution-runner", "workflow-catalog", "metrics-aggregator"];

/// The issuer of tokens, the same for all gateways: another one's are not good.
const PUBLIC_URL: &str = "https://api.example.com";

/// How a product is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What its directory is called.
    pub name: &'static str,
    /// Flags of all gateways.
    pub gateway_flags: Vec<String>,
    /// Flags of the runner.
    pub runner_flags: Vec<String>,
    /// What all of them log.
    pub log: &'static str,
}

impl Settings {
    /// What most attacks are played on: without limits, which would refuse most of them.
    pub fn usual() -> Self {
        let gateway_flags = ["--rate-limits", "off"].map(str::to_owned).into();
        Self { name: "usual", gateway_flags, runner_flags: Vec::new(), log: "error" }
    }

    /// The same with flags of the runner.
    pub fn with_runner(name: &'static str, flags: &[&str]) -> Self {
        Self { name, runner_flags: flags.iter().map(ToString::to_string).collect(), ..Self::usual() }
    }
}

/// The processes. They end with this value.
#[derive(Debug)]
pub struct Product {
    /// The database.
    pub postgres: Postgres,
    /// The broker.
    pub nats: Nats,
    /// The gateways as the holder of a key of full access of the account `default` sees them.
    pub gateways: Vec<Api>,
    /// Where each service tells of itself: its name and the address of its admin port.
    pub admins: Vec<(String, String)>,
    /// Where logs and data are.
    pub directory: PathBuf,
    /// What secrets are sealed with.
    pub secrets_key: String,
    processes: Vec<(String, Process)>,
}

impl Drop for Product {
    fn drop(&mut self) {
        self.processes.clear();
        self.nats.kill();
        self.postgres.kill();
    }
}

impl Product {
    /// Starts everything and waits until it answers.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start(stage: &Stage, settings: &Settings) -> Result<Self, Failure> {
        stage.say("starting the product");
        let directory = stage.plan.directory.join(format!("{}-{}", settings.name, stage.attack));
        std::fs::remove_dir_all(&directory).ok();
        let made = std::fs::create_dir_all(&directory);
        made.map_err(io_error(format!("cannot make {}", directory.display())))?;
        let (postgres, nats) = tokio::task::block_in_place(|| {
            let postgres = Postgres::start(&directory.join("postgres"))?;
            Ok::<_, Failure>((postgres, Nats::start(&directory.join("nats"))?))
        })?;
        let none = || Failure::Impossible("no ports are free".to_owned());
        let all: [u16; GATEWAYS * 2 + OTHERS.len()] = ports::lasting().ok_or_else(none)?;
        let mut all = all.into_iter();
        let mut address = || all.next().map(|port| format!("127.0.0.1:{port}")).ok_or_else(none);
        let key = ApiKey::generate().expose().to_owned();
        let secrets_key = secrets::new_key().map_err(|error| Failure::broken(error.to_string()))?;
        let secrets_key = secrets_key.expose_secret().to_owned();
        let (gateways, admins, processes) = (Vec::new(), Vec::new(), Vec::new());
        let mut product = Self { postgres, nats, gateways, admins, directory, secrets_key, processes };
        for program in OTHERS {
            let own = if program == "execution-runner" { settings.runner_flags.as_slice() } else { &[] };
            product.add(program, program, own, &address()?, stage, settings)?;
        }
        for n in 0..GATEWAYS {
            let listen = address()?;
            let mut own =
                vec!["--listen".to_owned(), listen.clone(), "--bootstrap-key".to_owned(), key.clone()];
            own.extend(["--public-url".to_owned(), PUBLIC_URL.to_owned()]);
            own.extend(settings.gateway_flags.iter().cloned());
            product.add(&format!("gateway-{n}"), "gateway", &own, &address()?, stage, settings)?;
            product.gateways.push(Api::new(format!("http://{listen}"), &key));
        }
        product.is_ready().await?;
        Ok(product)
    }

    fn add(
        &mut self,
        name: &str,
        program: &str,
        own: &[String],
        admin: &str,
        stage: &Stage,
        settings: &Settings,
    ) -> Result<(), Failure> {
        let (database, broker) = (self.postgres.url(), self.nats.url());
        let mut arguments: Vec<String> =
            ["--database-url", &database, "--nats-url", &broker, "--admin-listen", admin]
                .map(str::to_owned)
                .into();
        if matches!(program, "gateway" | "execution-runner") {
            arguments.extend(["--secrets-key".to_owned(), self.secrets_key.clone()]);
        }
        arguments.extend_from_slice(own);
        let (path, log) = (stage.plan.programs.join(program), self.directory.join(format!("{name}.log")));
        let mut process = Process::new(name.to_owned(), path, arguments, false, log).logging(settings.log);
        process.start()?;
        self.processes.push((name.to_owned(), process));
        self.admins.push((name.to_owned(), format!("http://{admin}")));
        Ok(())
    }

    /// Waits until every gateway answers, and the services behind it.
    ///
    /// # Errors
    /// When one does not.
    pub async fn is_ready(&self) -> Result<(), Failure> {
        for (n, gateway) in self.gateways.iter().enumerate() {
            self.gateway_is_ready(n, gateway).await?;
        }
        Ok(())
    }

    async fn gateway_is_ready(&self, n: usize, gateway: &Api) -> Result<(), Failure> {
        let what = format!("gateway-{n} answers for all services");
        until(&what, || async {
            let answer = gateway.try_send(gateway.request(Method::GET, "/v1/workflows")).await;
            Ok(answer.filter(|answer| answer.status == 200).map(|_| ()))
        })
        .await?;
        let body =
            json!({"customer_id": "warm-up", "channel": "api", "message": "anybody?", "message_id": "1"});
        let what = format!("gateway-{n} knows the streams");
        until(&what, || async {
            let request = gateway.request(Method::POST, "/v1/messages").json(&body);
            Ok(gateway.try_send(request).await.filter(|answer| answer.status == 202).map(|_| ()))
        })
        .await?;
        Ok(())
    }

    /// A gateway, as the holder of this key sees it; which one goes around with `turn`.
    pub fn gateway(&self, turn: usize, key: &str) -> Result<Api, Failure> {
        let gateway = self.gateways.get(turn % self.gateways.len().max(1));
        gateway.map(|gateway| gateway.with_key(key)).ok_or_else(|| Failure::broken("there is no gateway"))
    }

    /// The process ids of all services, by name.
    pub fn pids(&self) -> Vec<(String, u32)> {
        let running = |(name, process): &(String, Process)| Some((name.clone(), process.pid()?));
        self.processes.iter().filter_map(running).collect()
    }

    /// The process ids of the services whose names begin so.
    pub fn pids_of(&self, name: &str) -> Vec<u32> {
        self.pids().into_iter().filter(|(known, _)| known.starts_with(name)).map(|(_, pid)| pid).collect()
    }

    /// Services that have ended without being asked to, and how.
    pub fn ended(&mut self) -> Vec<(String, ExitStatus)> {
        let ended = |(name, process): &mut (String, Process)| Some((name.clone(), process.ended()?));
        self.processes.iter_mut().filter_map(ended).collect()
    }

    /// kill -9 of a service, and another start of it.
    ///
    /// # Errors
    /// When there is none of this name, or it does not start.
    pub fn restart(&mut self, name: &str) -> Result<(), Failure> {
        let found = self.processes.iter_mut().find(|(known, _)| known == name);
        let (_, process) = found.ok_or_else(|| Failure::broken(format!("there is no {name}")))?;
        process.start()
    }

    /// SIGTERM to a service, and another start once it has ended.
    ///
    /// # Errors
    /// When there is none of this name, it does not end, or not start.
    pub async fn restart_gently(&mut self, name: &str) -> Result<(), Failure> {
        let found = self.processes.iter_mut().find(|(known, _)| known == name);
        let (_, process) = found.ok_or_else(|| Failure::broken(format!("there is no {name}")))?;
        process.end().await?;
        process.start()
    }
}
