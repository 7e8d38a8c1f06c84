//! What the load generator saw: one line for each request, and the sums of them.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::failure::{Failure, io_error};

/// Problems that are kept word by word; the others are counted.
const PROBLEMS_MAX: usize = 20;

/// How one request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The message is kept.
    Ok,
    /// It was not taken, and the sender was told when to try again.
    Refused,
    /// No gateway listened: it was not sent.
    NotSent,
    /// The connection failed: it may be kept.
    Unknown,
    /// An answer that must not be.
    Wrong,
}

/// One request.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    /// When it ended, Unix milliseconds.
    pub at_ms: i64,
    /// Who wrote.
    pub customer: &'a str,
    /// The message's number in the customer's script.
    pub sequence: usize,
    /// The message's id.
    pub message_id: &'a str,
    /// Through which gateway.
    pub gateway: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of the answer, 0 without one.
    pub status: u16,
    /// How long it took, milliseconds.
    pub took_ms: u128,
}

/// The sums.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Requests that ended well.
    pub ok: usize,
    /// Requests that were refused.
    pub refused: usize,
    /// Requests that found no gateway.
    pub not_sent: usize,
    /// Requests without an answer.
    pub unknown: usize,
    /// The longest request that was answered or failed.
    pub slowest: Duration,
    /// How long the requests that ended well took.
    pub took: Vec<Duration>,
    /// What must not be.
    pub problems: Vec<String>,
    /// How many of those there are.
    pub problems_in_all: usize,
}

/// The journal of one load.
pub struct Journal {
    inner: Mutex<(BufWriter<File>, Tally)>,
}

impl Journal {
    /// A new one in this file.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::create(path).map_err(io_error(format!("cannot write {}", path.display())))?;
        Ok(Self { inner: Mutex::new((BufWriter::new(file), Tally::default())) })
    }

    fn lock(&self) -> MutexGuard<'_, (BufWriter<File>, Tally)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes one request.
    pub fn note(&self, line: &Line<'_>, took: Duration) {
        let mut inner = self.lock();
        let (file, tally) = &mut *inner;
        match line.outcome {
            Outcome::Ok => {
                tally.ok += 1;
                tally.took.push(took);
            }
            Outcome::Refused => tally.refused += 1,
            Outcome::NotSent => tally.not_sent += 1,
            Outcome::Unknown => tally.unknown += 1,
            Outcome::Wrong => {}
        }
        tally.slowest = tally.slowest.max(took);
        let written = serde_json::to_writer(&mut *file, line).map_err(std::io::Error::other);
        if let Err(error) = written.and_then(|()| file.write_all(b"\n")) {
            problem(tally, format!("the journal cannot be written: {error}"));
        }
    }

    /// Notes what must not be.
    pub fn problem(&self, what: String) {
        problem(&mut self.lock().1, what);
    }

    /// The sums so far, with everything on disk.
    pub fn tally(&self) -> Tally {
        let mut inner = self.lock();
        let (file, tally) = &mut *inner;
        if let Err(error) = file.flush().and_then(|()| file.get_ref().sync_all()) {
            problem(tally, format!("the journal cannot be kept: {error}"));
        }
        tally.clone()
    }
}

fn problem(tally: &mut Tally, what: String) {
    tally.problems_in_all += 1;
    if tally.problems.len() < PROBLEMS_MAX {
        tally.problems.push(what);
    }
}
