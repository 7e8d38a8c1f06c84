//! S12: requests that nobody thought of, made from the served document, with a key of every level.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use fault_suite::failure::{Failure, io_error};
use gateway::key::Level;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::workflows;
use tokio::process::Command;

use crate::account::Account;
use crate::calls::{self, text};
use crate::product::Product;
use crate::row::Row;
use crate::stage::Stage;

const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Its configuration and what it is told beyond the document, which the tests use too.
const FILES: &str = "crates/turnloom/tests/schemathesis";
/// What a key that may do little is always answered with, so that a run with it warns of nothing else.
const WARNINGS: &str = "fail-on = [\"missing_auth\"]";

pub(super) async fn play(stage: &Stage, product: &Product, row: &mut Row) -> Result<(), Failure> {
    let tools = Path::new(TOP).join(".turnloom/tools/python");
    if !tools.exists() {
        return Err(Failure::Impossible("schemathesis is not installed: run `make setup`".to_owned()));
    }
    let account = Account::make(product, &format!("s12-{:08x}", stage.seed)).await?;
    let found = things_to_find(product, &account).await?;
    let max_seconds = u64::from(stage.plan.minutes) * 60;
    for level in Level::ALL {
        stage.say(&format!("{} key, {} minutes", level.as_str(), stage.plan.minutes));
        let directory = prepare(product, level)?;
        let output = Command::new("python3")
            .current_dir(&directory)
            .env("PYTHONPATH", std::env::join_paths([directory.as_path(), &tools]).unwrap_or_default())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .args(["-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run"])
            .arg(format!("{}/v1/openapi.json", product.gateway(0, "")?.base()))
            .args(["--seed", &stage.seed.to_string(), "--max-time", &max_seconds.to_string()])
            .env("TURNLOOM_KEY", account.key(level))
            .envs(found.iter().map(|(name, ids)| (*name, ids.as_str())))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(io_error("python3 cannot be started"))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let tried = requests(&said);
        row.tries += tried;
        row.must(output.status.success(), || {
            let tail: String = said.chars().rev().take(3000).collect::<Vec<_>>().into_iter().rev().collect();
            format!("with a {} key: {tail}", level.as_str())
        });
        row.note(format!("{tried} with a {} key", level.as_str()));
    }
    Ok(())
}

/// How many requests it says that it has made.
fn requests(said: &str) -> u64 {
    let counts = said.lines().filter_map(|line| {
        let (count, _) = line.trim().split_once(" generated")?;
        count.replace(',', "").trim().parse::<u64>().ok()
    });
    counts.sum()
}

fn prepare(product: &Product, level: Level) -> Result<PathBuf, Failure> {
    let directory = product.directory.join("schemathesis");
    std::fs::create_dir_all(&directory).map_err(io_error("a directory for schemathesis"))?;
    let files = Path::new(TOP).join(FILES);
    let copied = std::fs::copy(files.join("hooks.py"), directory.join("hooks.py"));
    copied.map_err(io_error("the hooks of schemathesis"))?;
    let configuration = std::fs::read_to_string(files.join("schemathesis.toml"));
    let mut configuration = configuration.map_err(io_error("the configuration of schemathesis"))?;
    if level != Level::FullAccess {
        configuration = configuration.replace(WARNINGS, "fail-on = []");
    }
    let written = std::fs::write(directory.join("schemathesis.toml"), configuration);
    written.map_err(io_error("the configuration of schemathesis"))?;
    Ok(directory)
}

/// Things that its requests are to find, as the hooks want them.
async fn things_to_find(
    product: &Product,
    account: &Account,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let api = product.gateway(0, account.full())?;
    let (mut pairs, mut conversations, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..3 {
        let keyword = format!("start{number}");
        let workflow = calls::run(&api, &workflows::survey(&format!("Survey {number}"), &keyword)).await?;
        let told = calls::say(&api, &format!("customer-{number}"), &keyword).await?;
        let execution = text(told.get("execution").unwrap_or(&Value::Null), "id");
        pairs.push(format!("{workflow}/{execution}"));
        conversations.push(text(&told, "conversation_id"));
        let wanted = json!({"name": format!("key {number}"), "level": "read_only"});
        keys.push(text(&calls::make(&api, Method::POST, "/v1/api-keys", &wanted).await?, "id"));
    }
    calls::make(&api, Method::POST, "/v1/knowledge-bases", &json!({"name": "support-kb"})).await?;
    // Nothing is ever buried here: this one is not found.
    let letter = format!("dead-letter-{}", platform::clock::new_uuid_v7());
    Ok(vec![
        ("TURNLOOM_EXECUTIONS", pairs.join(",")),
        ("TURNLOOM_CONVERSATIONS", conversations.join(",")),
        ("TURNLOOM_API_KEYS", keys.join(",")),
        ("TURNLOOM_DEAD_LETTERS", letter),
    ])
}
