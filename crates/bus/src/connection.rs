//! The connection to NATS.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{ConnectOptions, ServerAddr, jetstream};
use contracts::access;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::time::Instant;

/// JetStream calls and acknowledgements that take longer have failed.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(5);
/// Commands that wait for the connection's writer.
pub(crate) const CLIENT_CAPACITY: usize = 4096;
/// Longest pause between attempts to connect again.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_millis(500);

/// Settings of the bus.
#[derive(Debug, Clone, clap::Args)]
pub struct BusConfig {
    /// Where NATS is: `nats://user:password@host:port`, or `nats://token@host:port`; several separated by commas, and
    /// then the first user counts for all. A user's inboxes begin with `_INBOX.<user>`
    #[arg(long, env = "TURNLOOM_NATS_URL", hide_env_values = true)]
    pub nats_url: SecretString,
}

impl BusConfig {
    /// The default settings for this address.
    #[must_use]
    pub fn for_url(url: &str) -> Self {
        Self { nats_url: url.to_owned().into() }
    }
}

/// NATS cannot be reached, refused, or did not answer in time.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the bus is unavailable: {0}")]
pub struct Unavailable(pub(crate) String);

impl Unavailable {
    pub(crate) fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// A connection to NATS. Clones share it; it connects again by itself, for ever.
#[derive(Debug, Clone)]
pub struct Bus {
    pub(crate) client: async_nats::Client,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) addresses: Arc<[ServerAddr]>,
    pub(crate) name: Arc<str>,
    /// How often the connection was lost.
    losses: watch::Receiver<u64>,
    /// Who is asked for things, and since when nobody answers there.
    pub(crate) absences: Absences,
}

/// Subjects that nobody listens on, and since when. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Absences(Arc<Mutex<HashMap<&'static str, Instant>>>);

impl Absences {
    /// Since when nobody listens there, as far as is known now.
    pub fn since(&self, subject: &'static str) -> Instant {
        *self.lock().entry(subject).or_insert_with(Instant::now)
    }

    /// Somebody does.
    pub fn end(&self, subject: &'static str) {
        self.lock().remove(subject);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus {
    /// Connects; `name` is how operators see this connection.
    ///
    /// # Errors
    /// When NATS cannot be reached within five seconds.
    pub async fn connect(config: &BusConfig, name: &str) -> Result<Self, Unavailable> {
        let addresses: Vec<ServerAddr> = config
            .nats_url
            .expose_secret()
            .split(',')
            .map(|address| address.trim().parse().map_err(|_| Unavailable::new("--nats-url cannot be read")))
            .collect::<Result<_, _>>()?;
        let (lost, losses) = watch::channel(0_u64);
        let all: Arc<[ServerAddr]> = addresses.clone().into();
        let connecting = Login::of(&addresses)
            .options()
            .name(name)
            .client_capacity(CLIENT_CAPACITY)
            .connection_timeout(CALL_DEADLINE)
            .ping_interval(Duration::from_secs(10))
            .reconnect_delay_callback(|attempt| {
                RECONNECT_PAUSE_MAX.min(Duration::from_millis(10 * attempt.min(100) as u64))
            })
            .event_callback(move |event| {
                match event {
                    async_nats::Event::Connected => tracing::info!("connected to the bus"),
                    async_nats::Event::Disconnected => {
                        tracing::warn!("the connection to the bus was lost");
                        lost.send_modify(|losses| *losses += 1);
                    }
                    // Whoever waits for what was refused hears nothing.
                    async_nats::Event::ServerError(error) => {
                        tracing::warn!(%error, "the bus refuses something");
                    }
                    other => tracing::debug!(event = %other, "bus"),
                }
                std::future::ready(())
            })
            .connect(addresses);
        let client = tokio::time::timeout(CALL_DEADLINE, connecting)
            .await
            .map_err(|_| Unavailable::new("connecting took too long"))?
            .map_err(Unavailable::new)?;
        let jetstream = jetstream::context::ContextBuilder::new()
            .timeout(CALL_DEADLINE)
            .ack_timeout(CALL_DEADLINE)
            .build(client.clone());
        let (addresses, name) = (all, Arc::from(name));
        Ok(Self { client, jetstream, addresses, name, losses, absences: Absences::default() })
    }

    /// Whether NATS answers, streams included.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check(&self) -> Result<(), Unavailable> {
        self.require_connected()?;
        self.jetstream.query_account().await.map(|_| ()).map_err(Unavailable::new)
    }

    /// Goes up each time that the connection was lost and is there again: a broker that was killed may have forgotten what
    /// it had acknowledged before and not written.
    #[must_use]
    pub fn connection_no(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Hears of the losses of the connection from now on: what waits for an answer over a connection that is lost waits in
    /// vain.
    pub(crate) fn losses(&self) -> watch::Receiver<u64> {
        let mut losses = self.losses.clone();
        losses.mark_unchanged();
        losses
    }

    /// Whether it is connected now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Names this start of the server that this is connected to.
    #[must_use]
    pub fn server_id(&self) -> String {
        self.client.server_info().server_id
    }

    /// The version of the server that this is connected to.
    #[must_use]
    pub fn server_version(&self) -> String {
        self.client.server_info().version
    }

    /// Waits until the server has taken in everything that was sent on this connection before.
    pub(crate) async fn settle(&self) -> Result<(), Unavailable> {
        self.client.flush().await.map_err(Unavailable::new)?;
        self.check().await
    }

    /// Refuses while the connection is down, so that nothing is kept back and sent when nobody expects it any more.
    pub(crate) fn require_connected(&self) -> Result<(), Unavailable> {
        if self.is_connected() { Ok(()) } else { Err(Unavailable::new("not connected")) }
    }
}

/// Who connects: what the first address with a user says. The driver itself does not look there.
#[derive(Clone, Default)]
pub(crate) struct Login {
    pub user: Option<String>,
    pub password: Option<String>,
    pub token: Option<String>,
}

impl Login {
    pub fn of(addresses: &[ServerAddr]) -> Self {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let named = addresses.iter().find_map(|address| Some((address.username()?, address.password())));
        match named {
            None => Self::default(),
            Some((token, None)) => Self { token: Some(decoded(token)), ..Self::default() },
            Some((user, Some(password))) => {
                Self { user: Some(decoded(user)), password: Some(decoded(password)), token: None }
            }
        }
    }

    /// Where replies to this user go: users hear their own only. A name that a subject cannot have is left out.
    pub fn inbox(&self) -> String {
        let is_word = |user: &&String| {
            !user.is_empty() && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        self.user.as_ref().filter(is_word).map_or_else(|| "_INBOX".to_owned(), |user| access::inbox(user))
    }

    fn options(self) -> ConnectOptions {
        let inbox = self.inbox();
        let options = match self {
            Self { token: Some(token), .. } => ConnectOptions::with_token(token),
            Self { user: Some(user), password: Some(password), .. } => {
                ConnectOptions::with_user_and_password(user, password)
            }
            _ => ConnectOptions::new(),
        };
        options.custom_inbox_prefix(inbox)
    }
}
