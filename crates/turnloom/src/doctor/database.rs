//! PostgreSQL: does it answer, is it new enough, does it keep what it has acknowledged.

use pg::PgConfig;
use tokio_postgres::Client;

use super::{Finding, Verdict};

/// The oldest version that Turnloom is tested with, as `server_version_num` has it.
const VERSION_MIN: i32 = 150_000;
/// The schemas of the services.
const SCHEMAS: [&str; 4] = ["gateway", "catalog", "runner", "metrics"];
/// A clock may be off by so much, seconds.
pub(super) const CLOCK_OFF_MAX: f64 = 2.0;

pub(super) async fn look(url: Option<&str>) -> Vec<Finding> {
    const ABOUT: &str = "PostgreSQL";
    let Some(url) = url else {
        let remedy = "start `turnloom up`, or say where it is with TURNLOOM_DATABASE_URL";
        return vec![Finding::of(Verdict::Unknown, ABOUT, "not looked at: no address", remedy)];
    };
    let client = match pg::raw::connect(&PgConfig::for_url(url), "public").await {
        Ok(client) => client,
        Err(error) => {
            let remedy = "check the address, that the server runs, and that its user may connect";
            return vec![Finding::of(Verdict::Bad, ABOUT, error.to_string(), remedy)];
        }
    };
    match facts(&client).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::of(Verdict::Bad, ABOUT, error.to_string(), "look at the server's log")],
    }
}

async fn facts(client: &Client) -> Result<Vec<Finding>, tokio_postgres::Error> {
    let row = client
        .query_one(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int, current_setting('fsync'),
                current_setting('synchronous_commit'), current_setting('data_checksums'), extract(epoch FROM now())::float8,
                current_setting('full_page_writes')",
            &[],
        )
        .await?;
    let version: String = row.get(0);
    let setting = |column: usize| row.get::<_, String>(column);
    let (fsync, commit, checksums, pages) = (setting(2), setting(3), setting(4), setting(6));
    let off = clock_off(row.get(5));
    let known = client.query("SELECT nspname::text FROM pg_namespace", &[]).await?;
    let known: Vec<String> = known.iter().map(|row| row.get(0)).collect();
    let missing: Vec<&str> =
        SCHEMAS.into_iter().filter(|schema| !known.iter().any(|known| known == schema)).collect();
    Ok(vec![
        Finding::must(
            row.get::<_, i32>(1) >= VERSION_MIN,
            "PostgreSQL",
            version,
            "use PostgreSQL 15 or later",
        ),
        Finding::must(
            fsync == "on" && pages == "on",
            "  fsync",
            format!("fsync {fsync}, full_page_writes {pages}"),
            "set both to on: without them a power cut loses what was acknowledged",
        ),
        Finding::must(
            ["on", "remote_apply", "remote_write", "local"].contains(&commit.as_str()),
            "  synchronous_commit",
            commit.clone(),
            "set it to on: a commit must be on disk before it is answered",
        ),
        if checksums == "on" {
            Finding::good("  data checksums", "on")
        } else {
            let remedy = "pg_checksums --enable on a stopped server: damage on disk is then noticed";
            Finding::of(Verdict::Odd, "  data checksums", "off", remedy)
        },
        Finding::must(
            off.abs() <= CLOCK_OFF_MAX,
            "  clock",
            format!("{off:+.1} s to this machine's"),
            "let NTP set both clocks",
        ),
        if missing.is_empty() {
            Finding::good("  schemas", SCHEMAS.join(", "))
        } else {
            let remedy = "start the services: each makes its own schema";
            Finding::of(Verdict::Odd, "  schemas", format!("missing: {}", missing.join(", ")), remedy)
        },
    ])
}

/// Seconds that another clock is ahead.
pub(super) fn clock_off(there: f64) -> f64 {
    let here = platform::clock::now();
    let seconds = f64::from(here.timestamp_subsec_millis()) / 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a double for 285 million years")]
    let here = here.timestamp() as f64 + seconds;
    there - here
}
