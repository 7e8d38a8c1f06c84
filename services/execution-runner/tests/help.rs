//! The binary documents its settings and says what is wrong with them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

fn run(arguments: &[&str]) -> (bool, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_execution-runner")).args(arguments).env_clear().output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn every_setting_is_documented_with_its_variable() {
    let (success, help) = run(&["--help"]);
    assert!(success);
    let settings: Vec<&str> = help.lines().map(str::trim).filter(|line| line.starts_with("--")).collect();
    assert!(settings.len() > 5, "{help}");
    for setting in
        settings.iter().filter(|line| !line.starts_with("--help") && !line.starts_with("--version"))
    {
        let name = setting.split(' ').next().unwrap().trim_start_matches('-');
        let text = help.split(&format!("\n      --{name} <")).nth(1).unwrap();
        let text = text.split("\n      --").next().unwrap();
        assert!(text.contains("[env: TURNLOOM_"), "--{name} has no variable");
        assert!(text.lines().nth(1).is_some_and(|line| line.trim().len() > 10), "--{name} is not explained");
    }
}

#[test]
fn settings_that_are_missing_or_make_no_sense_are_named() {
    let (success, said) = run(&["--database-connections", "0"]);
    assert!(!success);
    assert!(said.contains("--database-connections"), "{said}");
    let (success, said) = run(&[]);
    assert!(!success);
    assert!(said.contains("--database-url") && said.contains("--nats-url"), "{said}");
}
