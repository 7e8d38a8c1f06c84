//! Which product is talked to, and how a command ends when that does not work.

use std::fs;

use testkit::workflows;
use turnloom::run_file::RunFile;

use super::{against, bare, end, end_unread, told};
use crate::support::Product;

#[tokio::test(flavor = "multi_thread")]
async fn flags_come_before_the_environment_and_that_before_a_profile() {
    let mut product = Product::start().await;
    product.api.create(&workflows::greet("Greet", "hello")).await;
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("turnloom/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let key_file = directory.path().join("key");
    fs::write(&key_file, format!("{}\n", product.key)).unwrap();
    let profiles = format!(
        "default_profile = \"good\"\n\
         [profiles.good]\nurl = \"{}\"\nkey_file = \"{}\"\n\
         [profiles.bad]\nurl = \"http://127.0.0.1:1\"\nkey = \"tl_none\"\n",
        product.api.base(),
        key_file.display()
    );
    fs::write(&config, profiles).unwrap();
    let list = |more: &[&str], environment: &[(&str, &str)]| {
        let mut command = bare();
        command.args(["workflows", "list"]).args(more).env("XDG_CONFIG_HOME", directory.path());
        command.envs(environment.iter().copied());
        end(command, "")
    };

    assert!(list(&[], &[]).out().contains("Greet"));
    let away = list(&["--profile", "bad"], &[]).complaint(3);
    assert!(away.contains("the API cannot be reached"), "{away}");
    list(&[], &[("TURNLOOM_URL", "http://127.0.0.1:1")]).complaint(3);
    let (url, key) = (product.api.base(), product.key.as_str());
    list(
        &["--url", url, "--key", key],
        &[("TURNLOOM_URL", "http://127.0.0.1:1"), ("TURNLOOM_PROFILE", "bad")],
    )
    .out();
    let unknown = list(&["--profile", "other"], &[]).complaint(1);
    assert!(
        unknown.contains("there is no profile 'other'; the configuration file has: bad, good"),
        "{unknown}"
    );
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_end_as_they_are_documented_to_end() {
    let mut product = Product::start().await;
    let mut help = bare();
    help.arg("--help");
    let help = end(help, "").out();
    assert!(
        help.contains("Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 cannot be reached."),
        "{help}"
    );
    for command in [
        "up",
        "demo",
        "chat",
        "workflows",
        "executions",
        "metrics",
        "events",
        "runners",
        "dead-letters",
        "republish",
        "doctor",
        "bench",
        "completions",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command} in {help}");
    }

    told(&product, &["workflows", "list", "--status", "purple"]).complaint(1);
    told(&product, &["workflows", "list", "--colour"]).complaint(2);
    let mut wrong = bare();
    wrong.args(["workflows", "list", "--url", product.api.base(), "--key", "tl_wrong"]);
    assert!(end(wrong, "").complaint(1).contains("UNAUTHORIZED"));
    let mut nowhere = bare();
    nowhere.args(["demo", "--data-dir", "/nowhere"]);
    assert!(end(nowhere, "").complaint(1).contains("nothing runs in /nowhere: start it with `turnloom up`"));
    product.stop().await;
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let mut command = bare();
        command.args(["completions", shell]);
        assert!(end(command, "").out().contains("executions"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_the_data_directory_is_told_to_nobody_but_the_product_that_runs_there() {
    let mut product = Product::start().await;
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("api-key"), &product.key).unwrap();
    let list = |url: &str| {
        let mut command = bare();
        command.args(["workflows", "list", "--url", url, "--data-dir"]).arg(directory.path());
        end(command, "")
    };
    let elsewhere = "http://127.0.0.1:1";

    assert!(list(product.api.base()).complaint(1).contains("nothing runs in"));
    let run = RunFile {
        api_url: product.api.base().to_owned(),
        nats_url: product.nats.url(),
        nats_monitor_url: product.nats.monitor_url(),
        database_url: product.database_url.clone(),
        events_subject: "events.>".to_owned(),
    };
    run.write(directory.path()).unwrap();
    list(product.api.base()).out();
    list(&format!("{}/v1/", product.api.base())).out();
    let refused = list(elsewhere).complaint(1);
    assert!(refused.contains(&format!("{elsewhere} needs a key")), "{refused}");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_output_nobody_reads_ends_quietly() {
    let mut product = Product::start().await;
    product.api.create(&workflows::greet("Greet", "hello")).await;
    for arguments in [
        &["openapi"][..],
        &["asyncapi"],
        &["completions", "bash"],
        &["--help"],
        &["workflows", "list"],
        &["workflows", "list", "--json"],
        &["metrics", "show", "Greet"],
        &["doctor"],
        &["demo"],
    ] {
        assert_eq!(end_unread(against(&product, arguments)), (Some(0), String::new()), "{arguments:?}");
    }
    product.stop().await;
}
