//! All services as processes of their own, that can be killed and started again.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use gateway::key::ApiKey;
use local_stack::{Nats, Postgres};
use testkit::{Api, eventually};

use super::ports;

/// What can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    GatewayOne,
    GatewayTwo,
    RunnerOne,
    RunnerTwo,
    Catalog,
    Aggregator,
    Nats,
    Postgres,
}

/// The processes.
pub struct Fleet {
    pub postgres: Postgres,
    pub nats: Nats,
    pub gateways: [Api; 2],
    services: Vec<(Part, Service)>,
}

struct Service {
    program: &'static str,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Service {
    fn start(&mut self) {
        let built = PathBuf::from(env!("CARGO_BIN_EXE_turnloom")).with_file_name(self.program);
        let child = Command::new(&built)
            .args(&self.arguments)
            .args(["--log", "error", "--log-format", "pretty"])
            .stdin(Stdio::null())
            .spawn();
        match child {
            Ok(child) => self.child = Some(child),
            Err(error) => panic!("{}: {error}; build it with `cargo build --workspace`", built.display()),
        }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Fleet {
    /// Starts everything.
    pub async fn start() -> Self {
        let (postgres, nats) = (Postgres::ephemeral().unwrap(), Nats::ephemeral().unwrap());
        let key = ApiKey::generate().expose().to_owned();
        let ports = ports::lasting();
        let gateways = ports.map(|port| Api::new(format!("http://127.0.0.1:{port}"), &key));
        let common = ["--database-url", &postgres.url(), "--nats-url", &nats.url()].map(str::to_owned);
        let service = |program: &'static str, own: &[&str]| {
            let arguments = common.iter().cloned().chain(own.iter().map(|&own| own.to_owned())).collect();
            Service { program, arguments, child: None }
        };
        let lease = ["--lease-ms", "2000", "--lease-renewal-ms", "500"];
        let listen = ports.map(|port| format!("127.0.0.1:{port}"));
        let gateway = |listen: &str| {
            service("gateway", &["--listen", listen, "--bootstrap-key", &key, "--rate-limits", "off"])
        };
        let services = vec![
            (Part::RunnerOne, service("execution-runner", &lease)),
            (Part::RunnerTwo, service("execution-runner", &lease)),
            (Part::Catalog, service("workflow-catalog", &[])),
            (Part::Aggregator, service("metrics-aggregator", &[])),
            (Part::GatewayOne, gateway(&listen[0])),
            (Part::GatewayTwo, gateway(&listen[1])),
        ];
        let mut fleet = Self { postgres, nats, gateways, services };
        for (_, service) in &mut fleet.services {
            service.start();
        }
        for gateway in &fleet.gateways {
            eventually("a gateway answers for all services", || async {
                let answer = gateway.try_send(gateway.request(reqwest::Method::GET, "/v1/workflows")).await?;
                (answer.status == 200).then_some(())
            })
            .await;
            // The account `warm-up` talks about is not that of the game: nothing of it is counted.
            eventually("a gateway knows the streams", || async {
                let body = serde_json::json!({"customer_id": "warm-up", "channel": "api", "message": "anybody?", "message_id": "1"});
                (gateway.post("/v1/messages", &body).await.status == 202).then_some(())
            })
            .await;
        }
        fleet
    }

    fn service(&mut self, part: Part) -> Option<&mut Service> {
        self.services.iter_mut().find(|(known, _)| *known == part).map(|(_, service)| service)
    }

    /// kill -9.
    pub fn kill(&mut self, part: Part) {
        match part {
            Part::Nats => self.nats.kill(),
            Part::Postgres => self.postgres.kill(),
            service => self.service(service).unwrap().kill(),
        }
    }

    /// As a supervisor would.
    pub async fn start_again(&mut self, part: Part) {
        match part {
            Part::Nats => self.nats.start_again().unwrap(),
            Part::Postgres => self.postgres.start_again().unwrap(),
            service => self.service(service).unwrap().start(),
        }
        tokio::task::yield_now().await;
    }

    /// Ends everything in order.
    pub async fn stop(mut self) {
        self.services.clear();
        tokio::task::spawn_blocking(move || {
            self.nats.stop();
            self.postgres.stop();
        })
        .await
        .unwrap();
    }
}
