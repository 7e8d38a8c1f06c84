//! What customers say: scripts of messages, and which of these are looked at afterwards.

use std::io::{self, Write};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;

use crate::http::Request;
use crate::load::{Outcome, Script};
use crate::number::index;
use crate::zipf::Zipf;

/// Messages that each connection keeps to look at afterwards.
const SAMPLES: usize = 8;

/// A message that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its id.
    pub message_id: String,
    /// Who said it.
    pub customer_id: String,
}

/// Who says what.
#[derive(Debug, Clone)]
pub enum Habit {
    /// Each message is a talk of its own, by one of so many customers, evenly.
    Greet {
        /// How many customers there are.
        customers: u64,
    },
    /// Three messages by one customer, then the next one.
    Form {
        /// Turns that were taken by this connection.
        turn: u64,
    },
    /// Popular customers say more, and popular workflows are talked to more.
    Mixed {
        /// How popular customers are.
        customers: Arc<Zipf>,
        /// How popular workflows are.
        workflows: Arc<Zipf>,
    },
}

/// What one connection says.
pub struct Talk {
    habit: Habit,
    /// Names of this run, so that another one against the same product has customers and messages of its own.
    run: String,
    connection: u32,
    rng: StdRng,
    said: u64,
    /// At most so many messages.
    left: u64,
    waits: bool,
    body: Vec<u8>,
    last: Said,
    /// Some of those that were acknowledged: each with the same probability.
    pub samples: Vec<Said>,
    acknowledged: u64,
    /// What was answered to the first message that was not taken.
    pub refusal: Option<String>,
}

impl Talk {
    /// What one connection of a run says; `waits` when it wants to hear what became of each.
    #[must_use]
    pub fn new(habit: Habit, run: &str, connection: u32, waits: bool) -> Self {
        Self {
            habit,
            run: run.to_owned(),
            connection,
            rng: StdRng::seed_from_u64(u64::from(connection)),
            said: 0,
            left: u64::MAX,
            waits,
            body: Vec::with_capacity(256),
            last: Said { message_id: String::new(), customer_id: String::new() },
            samples: Vec::new(),
            acknowledged: 0,
            refusal: None,
        }
    }

    /// At most so many messages.
    #[must_use]
    pub fn at_most(self, left: u64) -> Self {
        Self { left, ..self }
    }

    /// Who says what next: the customer's number and the text.
    fn words(&mut self) -> (u64, String) {
        let connection = u64::from(self.connection);
        match &mut self.habit {
            Habit::Greet { customers } => (self.rng.random_range(0..*customers), "hello".to_owned()),
            Habit::Form { turn } => {
                let (talk, step) = (*turn / 3, *turn % 3);
                *turn += 1;
                let text = match step {
                    0 => "start".to_owned(),
                    1 => format!("Ann {talk}"),
                    _ => (20 + talk % 50).to_string(),
                };
                // Nobody else talks for this customer.
                (connection * CUSTOMERS_OF_A_CONNECTION + talk % CUSTOMERS_OF_A_CONNECTION, text)
            }
            Habit::Mixed { customers, workflows } => {
                let customer = customers.choose(&mut self.rng);
                (customer, keyword(workflows.choose(&mut self.rng)))
            }
        }
    }

    fn acknowledged(&mut self) -> Outcome {
        self.acknowledged += 1;
        if self.samples.len() < SAMPLES {
            self.samples.push(self.last.clone());
        } else if let Some(sample) = self.samples.get_mut(index(self.rng.random_range(0..self.acknowledged)))
        {
            sample.clone_from(&self.last);
        }
        Outcome::Good
    }
}

/// Customers that each connection of a load of forms has for itself.
const CUSTOMERS_OF_A_CONNECTION: u64 = 1000;

/// What starts the n-th workflow of many. No keyword is a part of another one.
#[must_use]
pub fn keyword(workflow: u64) -> String {
    format!("word{workflow:05}")
}

impl Script for Talk {
    fn next(&mut self, request: &mut Request) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let (customer, text) = self.words();
        self.said += 1;
        self.last.customer_id = format!("{}-customer-{customer}", self.run);
        self.last.message_id = format!("{}-{}-{}", self.run, self.connection, self.said);
        let Said { message_id, customer_id } = &self.last;
        self.body.clear();
        // Nothing of it needs to be escaped, and writing into memory does not fail.
        write!(
            self.body,
            r#"{{"customer_id":"{customer_id}","channel":"web","message":"{text}","message_id":"{message_id}"}}"#
        )
        .ok();
        request.send("POST", "/v1/messages", &self.body);
        true
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> Outcome {
        match status {
            200 if self.waits && !handled(body) => {
                self.refusal.get_or_insert_with(|| String::from_utf8_lossy(body).into_owned());
                Outcome::Wrong
            }
            200 | 202 => self.acknowledged(),
            _ => {
                let told = || format!("{status}: {}", String::from_utf8_lossy(body));
                self.refusal.get_or_insert_with(told);
                Outcome::Refused
            }
        }
    }

    fn unanswered(&mut self, error: &io::Error) -> Outcome {
        self.refusal.get_or_insert_with(|| error.to_string());
        Outcome::Unknown
    }
}

/// Whether an answer says that the message was handled, with an execution that succeeded. The samples are looked at
/// more closely; this is for every single one.
fn handled(body: &[u8]) -> bool {
    let has = |wanted: &[u8]| body.windows(wanted.len()).any(|found| found == wanted);
    has(br#""status":"handled""#) && has(br#""status":"success""#)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Target;

    fn request() -> Request {
        Request::of(&Target { address: "127.0.0.1:1".parse().unwrap(), key: "k".to_owned() }, None)
    }

    #[test]
    fn a_form_is_filled_in_by_one_customer_in_three_turns() {
        let mut talk = Talk::new(Habit::Form { turn: 0 }, "run", 7, true);
        let said: Vec<(u64, String)> = (0..4).map(|_| talk.words()).collect();
        let expected = [(7000, "start"), (7000, "Ann 0"), (7000, "20"), (7001, "start")];
        assert_eq!(said, expected.map(|(customer, text)| (customer, text.to_owned())));
    }

    #[test]
    fn only_acknowledged_messages_are_looked_at() {
        let mut talk = Talk::new(Habit::Greet { customers: 10 }, "run", 0, true).at_most(3);
        let good = br#"{"data":{"status":"handled","execution":{"status":"success"}}}"#;
        let mut request = request();
        let outcomes: Vec<Outcome> =
            [(200, good.as_slice()), (503, b"{}"), (200, b"{\"status\":\"ignored\"}")]
                .into_iter()
                .map(|(status, body)| {
                    assert!(talk.next(&mut request));
                    talk.answered(status, body)
                })
                .collect();
        assert_eq!(outcomes, [Outcome::Good, Outcome::Refused, Outcome::Wrong]);
        assert!(!talk.next(&mut request));
        assert_eq!(talk.samples.len(), 1);
        assert_eq!(talk.samples[0].message_id, "run-0-1");
        assert_eq!(talk.refusal.as_deref(), Some("503: {}"));
    }

    #[test]
    fn no_keyword_is_a_part_of_another_one() {
        let all: Vec<String> = (0..300).map(keyword).collect();
        for (place, one) in all.iter().enumerate() {
            assert!(
                all.iter().enumerate().all(|(other, text)| other == place || !text.contains(one.as_str()))
            );
        }
    }
}
