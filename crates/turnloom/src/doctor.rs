//! `turnloom doctor`: looks at everything that Turnloom stands on, and says what to do about what it finds.

mod broker;
mod database;
mod machine;

use serde_json::json;

use crate::connection::Connection;
use crate::output::{self, BOLD, DIM, Format, GREEN, RED, YELLOW, styled};
use crate::printing::println;
use crate::run_file::RunFile;

/// What `doctor` takes; what is not said is that of the `turnloom up` in the data directory.
#[derive(Debug, Clone, clap::Args)]
#[expect(clippy::struct_field_names, reason = "the flags are called so")]
pub struct Arguments {
    /// Where PostgreSQL is
    #[arg(long, env = "TURNLOOM_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Where NATS is
    #[arg(long, env = "TURNLOOM_NATS_URL", hide_env_values = true)]
    nats_url: Option<String>,
    /// Where nats-server tells of itself: its `http_port`
    #[arg(long, env = "TURNLOOM_NATS_MONITOR_URL")]
    nats_monitor_url: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Odd,
    Bad,
    Unknown,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Odd => "odd",
            Self::Bad => "bad",
            Self::Unknown => "unknown",
        }
    }

    fn sign(self) -> String {
        match self {
            Self::Good => styled(GREEN, "✓"),
            Self::Odd => styled(YELLOW, "!"),
            Self::Bad => styled(RED, "✗"),
            Self::Unknown => styled(DIM, "?"),
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    /// What.
    about: &'static str,
    verdict: Verdict,
    /// What was found.
    found: String,
    /// What to do about it; empty when nothing is.
    remedy: &'static str,
}

impl Finding {
    fn good(about: &'static str, found: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Good, found: found.into(), remedy: "" }
    }

    fn of(verdict: Verdict, about: &'static str, found: impl Into<String>, remedy: &'static str) -> Self {
        Self { about, verdict, found: found.into(), remedy }
    }

    /// Good when it holds, else bad.
    fn must(holds: bool, about: &'static str, found: impl Into<String>, remedy: &'static str) -> Self {
        if holds { Self::good(about, found) } else { Self::of(Verdict::Bad, about, found, remedy) }
    }
}

/// Looks, and shows.
///
/// # Errors
/// When something is bad.
pub async fn run(arguments: Arguments, connection: &Connection, format: Format) -> anyhow::Result<()> {
    let running = RunFile::read(&connection.data_dir).ok();
    let of_running = |given: Option<String>, known: fn(&RunFile) -> &String| {
        given.or_else(|| running.as_ref().map(|running| known(running).clone()))
    };
    let database_url = of_running(arguments.database_url, |running| &running.database_url);
    let nats_url = of_running(arguments.nats_url, |running| &running.nats_url);
    let monitor_url = of_running(arguments.nats_monitor_url, |running| &running.nats_monitor_url);
    let mut findings = machine::api(connection).await;
    findings.extend(database::look(database_url.as_deref()).await);
    findings.extend(broker::look(nats_url.as_deref(), monitor_url.as_deref()).await);
    findings.extend(machine::disk(&connection.data_dir));
    show(&findings, format)?;
    let bad = findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
    if bad > 0 {
        anyhow::bail!("{bad} things need attention");
    }
    Ok(())
}

fn show(findings: &[Finding], format: Format) -> anyhow::Result<()> {
    if format.json {
        let as_json = |finding: &Finding| {
            json!({
                "about": finding.about, "verdict": finding.verdict.as_str(), "found": finding.found,
                "remedy": finding.remedy,
            })
        };
        return output::json(&findings.iter().map(as_json).collect());
    }
    for finding in findings {
        println!(
            "{} {} {}",
            finding.verdict.sign(),
            styled(BOLD, &format!("{:<22}", finding.about)),
            finding.found
        );
        if !finding.remedy.is_empty() {
            println!("    {}", styled(DIM, &format!("→ {}", finding.remedy)));
        }
    }
    Ok(())
}
