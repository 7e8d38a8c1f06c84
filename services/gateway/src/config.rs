//! Settings of the gateway: flags and environment, all in `--help`.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use bus::BusConfig;
use bus::durability::MonitorConfig;
use clap::{Parser, ValueEnum};
use ipnet::IpNet;
use pg::PgConfig;
use platform::admin::AdminConfig;
use platform::durability::DurabilityConfig;
use platform::keep::Keep;
use platform::telemetry::TelemetryConfig;
use secrecy::SecretString;
use secrets::SecretsConfig;

use crate::front;
use crate::http::{self, Outside, cors};
use crate::intake::Rules;

/// Serves the public API. Any number may run side by side.
#[derive(Debug, Clone, Parser)]
#[command(name = "gateway", version)]
pub struct Config {
    /// Where accounts and keys are kept.
    #[command(flatten)]
    pub database: PgConfig,
    /// How to reach the other services.
    #[command(flatten)]
    pub bus: BusConfig,
    /// Where the broker tells of itself.
    #[command(flatten)]
    pub monitor: MonitorConfig,
    /// What must be so before it starts.
    #[command(flatten)]
    pub durability: DurabilityConfig,
    /// Health and metrics.
    #[command(flatten)]
    pub admin: AdminConfig,
    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    /// What seals secrets.
    #[command(flatten)]
    pub secrets: SecretsConfig,
    /// The gateway's own.
    #[command(flatten)]
    pub gateway: GatewayConfig,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

/// A network, or the network of one address.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| format!("'{text}' is no network such as 10.0.0.0/8 and no address"))
}

/// Where callers find the API: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Option<String>);

/// An empty text is none, as compose files pass on what is not set.
fn public_url(text: &str) -> Result<PublicUrl, String> {
    let wrong =
        || format!("'{text}' is not an http or https URL without path, such as https://api.example.com");
    if text.is_empty() {
        return Ok(PublicUrl(None));
    }
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    let origin = url.origin().ascii_serialization();
    let bare = text == origin || text.strip_suffix('/') == Some(&origin);
    if ["http", "https"].contains(&url.scheme()) && bare { Ok(PublicUrl(Some(origin))) } else { Err(wrong()) }
}

/// What is the gateway's own.
#[derive(Debug, Clone, clap::Args)]
pub struct GatewayConfig {
    /// Where the API is served; port 0 takes a free one
    #[arg(long, env = "TURNLOOM_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where callers find the API, such as `https://api.example.com`: the issuer of OAuth tokens, the same for all gateways. Without
    /// it, where it listens
    #[arg(long, env = "TURNLOOM_PUBLIC_URL", value_parser = public_url)]
    pub public_url: Option<PublicUrl>,
    /// A full-access key of the account `default`, made when it is not there; none unless set
    #[arg(long, env = "TURNLOOM_BOOTSTRAP_KEY", hide_env_values = true)]
    pub bootstrap_key: Option<SecretString>,
    /// Bytes of a request's body at most
    #[arg(long, env = "TURNLOOM_BODY_BYTES_MAX", default_value_t = 1 << 20,
          value_parser = clap::value_parser!(u32).range(1024..=16 << 20))]
    pub body_bytes_max: u32,
    /// How long a request may take in all, in milliseconds; above the 30 s that a caller may wait for an execution
    #[arg(long, env = "TURNLOOM_REQUEST_TIMEOUT_MS", default_value_t = 40_000,
          value_parser = clap::value_parser!(u64).range(1_000..=600_000))]
    pub request_timeout_ms: u64,
    /// Whether keys are limited in requests per hour (read 1000, write 100, delete 50, execution 500, unless others are set), over
    /// all gateways; `off` lifts the limits of addresses, too
    #[arg(long, env = "TURNLOOM_RATE_LIMITS", default_value = "on")]
    pub rate_limits: Switch,
    /// Requests of one address at once, and then each second, whoever sends them; 0 is no limit. Behind a proxy
    /// that is not trusted all callers have its address. Each gateway for itself
    #[arg(long, env = "TURNLOOM_ADDRESS_REQUESTS_PER_SECOND", default_value_t = 2000,
          value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub address_requests_per_second: u32,
    /// Proxies that are believed when they say in `X-Forwarded-For` where a request comes from: networks or addresses, separated by
    /// commas; nobody is unless set
    #[arg(long, env = "TURNLOOM_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Connections at once, in all; whoever comes when there are so many is sent away. Fewer when the process may not open so
    /// many files. Each gateway for itself
    #[arg(long, env = "TURNLOOM_CONNECTIONS_MAX", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(16..=1_000_000))]
    pub connections_max: u32,
    /// Connections of one address (of one /64 of IPv6) at once; 0 is no limit. Those of trusted proxies are not counted; behind another
    /// proxy all callers have its address. Each gateway for itself
    #[arg(long, env = "TURNLOOM_ADDRESS_CONNECTIONS_MAX", default_value_t = 2000,
          value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub address_connections_max: u32,
    /// Sites whose scripts may call from browsers (CORS): origins such as `https://app.example.com`, separated by commas; none unless
    /// set
    #[arg(long, env = "TURNLOOM_CORS_ORIGINS", value_delimiter = ',', value_parser = cors::origin)]
    pub cors_origins: Vec<String>,
    /// Whether TLS ends before the gateway: then browsers are told to come by TLS only (Strict-Transport-Security)
    #[arg(long, env = "TURNLOOM_BEHIND_TLS", default_value = "off")]
    pub behind_tls: Switch,
    /// Days that the audit log is kept; 0 is for ever
    #[arg(long, env = "TURNLOOM_KEEP_AUDIT_DAYS", default_value = "400", value_parser = Keep::parse::<1>)]
    pub keep_audit_days: Keep,
    /// A partition takes no more messages (503) while its oldest one that is not handled is older than so many seconds
    #[arg(long, env = "TURNLOOM_OLDEST_INPUT_MAX_SECONDS", default_value_t = 600,
          value_parser = clap::value_parser!(u32).range(1..=604_800))]
    pub oldest_input_max_seconds: u32,
    /// Accounts get equal shares while a message that is not handled is older than so many seconds: one that had more than
    /// the others in the last 10 s is refused (503) until they have as much. Each gateway for itself
    #[arg(long, env = "TURNLOOM_FAIR_AFTER_SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(1..=604_800))]
    pub fair_after_seconds: u32,
    /// Live tails of events (`GET /v1/events`) at once; an account has 10 of them at most
    #[arg(long, env = "TURNLOOM_EVENT_TAILS_MAX", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(0..=5_000))]
    pub event_tails_max: u32,
    /// Threads that serve requests
    #[arg(long, env = "TURNLOOM_HTTP_WORKERS", default_value_t = 2,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub http_workers: u16,
}

impl GatewayConfig {
    /// The name that the installation has in OAuth tokens. What listens everywhere is found on this machine.
    pub(crate) fn issuer(&self, listens: SocketAddr) -> String {
        let here = || {
            if listens.ip().is_unspecified() {
                format!("http://localhost:{}", listens.port())
            } else {
                format!("http://{listens}")
            }
        };
        self.public_url.as_ref().and_then(|url| url.0.clone()).unwrap_or_else(here)
    }

    pub(crate) fn limits_requests(&self) -> bool {
        self.rate_limits == Switch::On
    }

    /// None when addresses are not limited.
    pub(crate) fn bursts(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.address_requests_per_second).filter(|_| self.limits_requests())
    }

    /// None when they are not limited.
    pub(crate) fn connections_of_an_address(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.address_connections_max).filter(|_| self.limits_requests())
    }

    pub(crate) fn outside(&self) -> Outside {
        Outside { origins: cors::Origins::new(&self.cors_origins), behind_tls: self.behind_tls == Switch::On }
    }

    pub(crate) fn serving(&self, drain_seconds: u64) -> front::Serving {
        let body_bytes_max = (self.body_bytes_max as usize).max(http::DOCUMENT_BYTES_MAX) as u64;
        front::Serving {
            workers: usize::from(self.http_workers),
            connections_max: self.connections_max as usize,
            drain_seconds,
            rules: front::Rules { body_bytes_max },
        }
    }

    pub(crate) fn overload_rules(&self) -> Rules {
        let ms = |seconds: u32| i64::from(seconds) * 1000;
        Rules {
            oldest_input_max_ms: ms(self.oldest_input_max_seconds),
            fair_after_ms: ms(self.fair_after_seconds),
        }
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin_or_nothing() {
        for (text, expected) in [
            ("https://api.example.com", Some("https://api.example.com")),
            ("http://localhost:8080/", Some("http://localhost:8080")),
            ("", None),
        ] {
            assert_eq!(public_url(text), Ok(PublicUrl(expected.map(str::to_owned))), "{text}");
        }
        for text in ["api.example.com", "https://api.example.com/v1", "ftp://a", "https://a?b", "https://u@a"]
        {
            assert!(public_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_proxy_is_a_network_or_an_address() {
        for (text, expected) in
            [("10.0.0.0/8", "10.0.0.0/8"), (" 192.0.2.1", "192.0.2.1/32"), ("::1", "::1/128")]
        {
            assert_eq!(network(text).map(|network| network.to_string()), Ok(expected.to_owned()), "{text}");
        }
        for text in ["", "proxy", "10.0.0.0/33"] {
            assert!(network(text).is_err(), "{text}");
        }
    }
}
