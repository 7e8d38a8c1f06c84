//! Puts the gateway together and runs it.

use std::net::{SocketAddr, TcpListener};

use actix_web::{App as HttpApp, middleware, web};
use anyhow::Context;
use bus::Bus;
use pg::Pool;
use platform::health::Health;
use platform::lifecycle::Shutdown;
use platform::startup::patiently;
use secrecy::ExposeSecret;
use secrets::Sealer;
use tokio::task::JoinHandle;

use crate::audit::Log;
use crate::auth::Authenticator;
use crate::client::Client;
use crate::config::{Config, GatewayConfig};
use crate::front::{self, Door};
use crate::http::{self, RequestTimeout};
use crate::idempotency::Idempotency;
use crate::intake::Intake;
use crate::key::{ApiKey, Level};
use crate::keys::Desk;
use crate::limit::Limiter;
use crate::limit::addresses::Addresses;
use crate::oauth::OAuth;
use crate::oauth::pace::Pace;
use crate::oauth::signing::KeyRing;
use crate::state::State;
use crate::store::{self, Store};
use crate::tail::Tails;
use crate::uses::Uses;

/// Requests under way have so long to end when the gateway stops, seconds; longer than any caller may wait and it then
/// takes to ask what became of its input.
const DRAIN_SECONDS: u64 = 34;

/// A gateway that is bound and ready to serve.
pub struct App {
    listener: TcpListener,
    address: SocketAddr,
    state: web::Data<State>,
    store: Store,
    uses: Uses,
    config: GatewayConfig,
}

impl App {
    /// Brings the tables up to date, connects everything and takes the port.
    ///
    /// # Errors
    /// When the database or the bus cannot be reached, the port is taken, or the bootstrap key or the one for
    /// secrets is not a key.
    pub async fn build(config: Config, health: &Health) -> anyhow::Result<Self> {
        let bootstrap = config.gateway.bootstrap_key.as_ref();
        let bootstrap = bootstrap.map(|key| ApiKey::parse(key.expose_secret())).transpose();
        let bootstrap = bootstrap.context("--bootstrap-key")?;
        let sealer = Sealer::new(&config.secrets)?;
        let listener = front::listen(config.gateway.listen)
            .with_context(|| format!("--listen: cannot listen on {}", config.gateway.listen))?;
        let address = listener.local_addr()?;
        patiently("the database", || pg::migrate(&config.database, store::SCHEMA, store::MIGRATIONS)).await?;
        let database = config.database.as_service(store::SCHEMA);
        let pool = Pool::new(&database, store::SCHEMA)?;
        let connecting = patiently("the bus", || Bus::connect(&config.bus, "gateway"));
        let bus = connecting.await.context("--nats-url")?;
        let settings = || pg::durability_problems(&database, store::SCHEMA);
        let mut problems = patiently("the database", settings).await?;
        problems.extend(bus.durability_problems(&config.monitor, None).await);
        config.durability.judge(problems)?;
        let intake = Intake::start(&bus, config.gateway.overload_rules()).await?;
        register_checks(health, &pool, &bus, &intake);
        let store = Store::new(pool);
        if let Some(key) = bootstrap {
            store.add_key(store::DEFAULT_ACCOUNT, "bootstrap", Level::FullAccess, &key).await?;
        }
        let uses = Uses::default();
        let signing = KeyRing::new(store.clone(), sealer.clone());
        let oauth = OAuth::new(store.clone(), signing, &config.gateway.issuer(address));
        let state = web::Data::new(State {
            limiter: config.gateway.limits_requests().then(|| Limiter::new(store.clone())),
            idempotency: Idempotency::new(store.clone()),
            auth: Authenticator::new(store.clone(), oauth.clone(), uses.clone()),
            oauth,
            token_pace: config.gateway.limits_requests().then(Pace::new),
            keys: Desk::new(store.clone()),
            audit: Log::new(store.clone()),
            trusted_proxies: config.gateway.trusted_proxies.clone(),
            tails: Tails::new(bus.clone(), config.gateway.event_tails_max as usize),
            services: Client::new(bus),
            intake,
            sealer,
            bad_keys: config.gateway.limits_requests().then(Addresses::trying_keys),
            bursts: config.gateway.bursts().map(Addresses::bursting),
            body_bytes_max: config.gateway.body_bytes_max as usize,
        });
        Ok(Self { listener, address, state, store, uses, config: config.gateway })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the stop is asked for, then ends the requests under way.
    ///
    /// # Errors
    /// When serving fails.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let background = self.background();
        let (state, ending) = (self.state.clone(), self.state.clone());
        let timeout = web::Data::new(RequestTimeout(self.config.request_timeout()));
        let outside = web::Data::new(self.config.outside());
        let application = move || {
            HttpApp::new()
                .app_data(state.clone())
                .app_data(timeout.clone())
                .app_data(outside.clone())
                .wrap(middleware::from_fn(http::audited))
                .wrap(middleware::from_fn(http::idempotent))
                .wrap(middleware::from_fn(http::preflight))
                .wrap(middleware::from_fn(http::bursts))
                .wrap(middleware::from_fn(http::conditional))
                .wrap(middleware::from_fn(http::plain_requests))
                .wrap(middleware::from_fn(http::observe))
                .wrap(middleware::from_fn(http::security_headers))
                .configure(http::routes)
                .default_service(web::to(http::not_found))
        };
        let (proxies, address_max) =
            (self.config.trusted_proxies.clone(), self.config.connections_of_an_address());
        let door = |connections_max| Door::new(connections_max, address_max, proxies);
        let server = front::serve(self.listener, &self.config.serving(DRAIN_SECONDS), door, application)?;
        let handle = server.handle();
        let serving = tokio::spawn(server);
        shutdown.requested().await;
        // Tails never end by themselves, and nobody is to wait for them.
        ending.tails.end();
        handle.stop(true).await;
        for task in background {
            task.abort();
        }
        self.uses.write(&self.store).await;
        if let Some(limiter) = &ending.limiter {
            limiter.end().await;
        }
        serving.await??;
        Ok(())
    }

    /// What goes on beside the requests, until it is stopped.
    fn background(&self) -> Vec<JoinHandle<()>> {
        let mut tasks = vec![
            tokio::spawn(self.uses.clone().keep(self.store.clone())),
            tokio::spawn(self.state.idempotency.clone().forget()),
            tokio::spawn(self.state.keys.clone().tidy()),
            tokio::spawn(self.state.oauth.clone().tidy()),
            tokio::spawn(self.state.audit.clone().tidy(self.config.keep_audit_days)),
        ];
        tasks.extend(self.state.limiter.clone().map(|limiter| tokio::spawn(limiter.keep())));
        tasks
    }
}

fn register_checks(health: &Health, pool: &Pool, bus: &Bus, intake: &Intake) {
    let (pool, bus, intake) = (pool.clone(), bus.clone(), intake.clone());
    health.register("gateway database", move || {
        let pool = pool.clone();
        Box::pin(async move { pool.check().await.map_err(|error| error.to_string()) })
    });
    health.register("gateway bus", move || {
        let bus = bus.clone();
        Box::pin(async move { bus.check().await.map_err(|error| error.to_string()) })
    });
    health.register("gateway streams", move || {
        let ready = intake.is_ready();
        Box::pin(async move {
            if ready { Ok(()) } else { Err("no execution runner has set the streams up yet".to_owned()) }
        })
    });
}
