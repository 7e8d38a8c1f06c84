//! The command line as people and programs use it: what it prints, and how it ends.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts_and_keys;
mod checking;
mod connecting;
mod keeping;
mod listening;
mod meanwhile;
mod operating;
mod subscribers;
mod taking_part;
mod talking;
mod workflows_as_code;

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::Product;
use serde_json::Value;

/// How a command ended and what it said.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    /// What a command that must succeed printed.
    fn out(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    fn json(self) -> Value {
        serde_json::from_str(&self.out()).unwrap()
    }

    /// What a command that must end with this code complained of.
    fn complaint(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self.err
    }
}

/// A command that knows nothing but what it is told here.
fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turnloom"));
    command.env_clear().stdin(Stdio::null()).current_dir(std::env::temp_dir());
    command
}

fn end(mut command: Command, input: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that does not listen may be gone already.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// How a command ends whose output nobody reads, and what it complains of.
fn end_unread(mut command: Command) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// A command against this product.
fn told(product: &Product, arguments: &[&str]) -> Ended {
    told_with(product, arguments, "")
}

/// The same with this on its standard input.
fn told_with(product: &Product, arguments: &[&str], input: &str) -> Ended {
    end(against(product, arguments), input)
}

fn against(product: &Product, arguments: &[&str]) -> Command {
    let mut command = bare();
    command
        .args(arguments)
        .env("TURNLOOM_URL", product.api.base())
        .env("TURNLOOM_API_KEY", &product.key)
        .env("TURNLOOM_NATS_URL", product.nats.url())
        .env("TURNLOOM_NATS_MONITOR_URL", product.nats.monitor_url())
        .env("TURNLOOM_DATABASE_URL", &product.database_url);
    command
}
