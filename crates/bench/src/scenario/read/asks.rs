//! What is asked for, and the few changes in between.

use std::io;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use crate::http::Request;
use crate::load::{Outcome, Script};
use crate::workflows;

/// One request in so many changes something.
const WRITES_EVERY: u64 = 100;

/// What there is to read.
#[derive(Debug)]
pub(super) struct Known {
    /// Workflows that nobody talks to.
    pub workflows: Vec<String>,
    /// The one with executions.
    pub talked_to: String,
    /// Some of these.
    pub executions: Vec<String>,
}

/// A kind of read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Workflow,
    Workflows,
    Execution,
    Executions,
    Metrics,
}

impl What {
    pub const ALL: [Self; 5] =
        [Self::Workflow, Self::Workflows, Self::Execution, Self::Executions, Self::Metrics];

    pub fn name(self) -> &'static str {
        match self {
            Self::Workflow => "get a workflow",
            Self::Workflows => "list workflows",
            Self::Execution => "get an execution",
            Self::Executions => "list executions",
            Self::Metrics => "get metrics",
        }
    }
}

/// One connection's reads.
pub(super) struct Asks {
    what: What,
    known: Arc<Known>,
    writes: bool,
    asked: u64,
    rng: StdRng,
    /// The first answer that was none.
    pub refusal: Option<String>,
}

impl Asks {
    pub fn new(what: What, known: Arc<Known>, connection: u32) -> Self {
        let connection = u64::from(connection);
        // Not all connections write at once.
        let asked = connection * 7 % WRITES_EVERY;
        Self { what, known, writes: true, asked, rng: StdRng::seed_from_u64(connection), refusal: None }
    }

    pub fn without_writes(self) -> Self {
        Self { writes: false, ..self }
    }

    fn one<'a>(rng: &mut StdRng, of: &'a [String]) -> &'a str {
        of.get(rng.random_range(0..of.len().max(1))).map_or("", String::as_str)
    }
}

impl Script for Asks {
    fn next(&mut self, request: &mut Request) -> bool {
        self.asked += 1;
        let known = Arc::clone(&self.known);
        let talked_to = &known.talked_to;
        if self.writes && self.asked.is_multiple_of(WRITES_EVERY) {
            let id = Self::one(&mut self.rng, &known.workflows);
            let body = format!(r#"{{"description":"changed {}"}}"#, self.asked);
            request.send("PUT", &format!("/v1/workflows/{id}"), body.as_bytes());
            return true;
        }
        let path = match self.what {
            What::Workflow => format!("/v1/workflows/{}", Self::one(&mut self.rng, &known.workflows)),
            What::Workflows => format!("/v1/workflows?page={}", self.rng.random_range(1..=20)),
            What::Execution => {
                let execution = Self::one(&mut self.rng, &known.executions);
                format!("/v1/workflows/{talked_to}/executions/{execution}")
            }
            What::Executions => {
                format!("/v1/workflows/{talked_to}/executions?page={}", self.rng.random_range(1..=20))
            }
            What::Metrics => format!("/v1/workflows/{talked_to}/metrics"),
        };
        request.get(&path);
        true
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> Outcome {
        if status == 200 {
            return Outcome::Good;
        }
        self.refusal.get_or_insert_with(|| format!("{status}: {}", String::from_utf8_lossy(body)));
        Outcome::Refused
    }

    fn unanswered(&mut self, error: &io::Error) -> Outcome {
        self.refusal.get_or_insert_with(|| error.to_string());
        Outcome::Unknown
    }
}

/// Makes workflows.
pub(super) struct Makes {
    maker: u32,
    left: u32,
    /// Their ids.
    pub made: Vec<String>,
}

impl Makes {
    pub fn new(maker: u32, left: u32) -> Self {
        Self { maker, left, made: Vec::new() }
    }
}

impl Script for Makes {
    fn next(&mut self, request: &mut Request) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let name = format!("Read {}-{}", self.maker, self.left);
        let workflow = workflows::greet(&name, &format!("read{}x{}", self.maker, self.left));
        request.send("POST", "/v1/workflows", workflow.to_string().as_bytes());
        true
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> Outcome {
        if status != 201 {
            return Outcome::Refused;
        }
        let created: Value = serde_json::from_slice(body).unwrap_or_default();
        self.made.extend(created.pointer("/data/id").and_then(Value::as_str).map(str::to_owned));
        Outcome::Good
    }
}
