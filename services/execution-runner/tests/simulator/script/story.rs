//! Conversations that people take part in: what is said and done, in this order, however it is mixed with the rest.

use contracts::v1::command::Kind as Command;
use contracts::v1::{self, input::Kind};

use super::{message_of, said_by};

/// One of them.
pub struct Story {
    customer_id: &'static str,
    deeds: std::vec::IntoIter<Deed>,
    last: Option<v1::Input>,
    failed: Option<bytes::Bytes>,
}

#[derive(Clone)]
enum Deed {
    Says(&'static str),
    /// A message whose execution fails.
    Breaks(&'static str),
    Does(Command),
    /// The execution that failed first is tried again.
    Retries,
    /// The last input comes once more.
    Again,
}

impl Story {
    /// All of them.
    pub fn all() -> Vec<Self> {
        use Deed::{Again, Breaks, Does, Retries, Says};
        let said =
            |text: &str| Does(Command::Say(v1::Say { text: text.to_owned(), agent: "eve".to_owned() }));
        let assigned = |agent: &str, return_after_ms| {
            let (team, agent, note) = ("sales".to_owned(), agent.to_owned(), String::new());
            Does(Command::Assign(v1::Assign { team, agent, note, return_after_ms }))
        };
        let released = Does(Command::Release(v1::Release {}));
        let cancelled = Does(Command::Cancel(v1::Cancel::default()));
        vec![
            Self::of(
                "handed-over",
                vec![
                    Says("a person, please"),
                    Says("hello?"),
                    assigned("eve", 0),
                    Again,
                    said("I am here"),
                    Again,
                    Says("good"),
                    released.clone(),
                    Again,
                    said("am I?"),
                    Says("hello"),
                ],
            ),
            Self::of(
                "taken-over",
                vec![
                    Says("ask me"),
                    assigned("eve", 0),
                    Says("blue"),
                    assigned("adam", 0),
                    said("what is blue?"),
                    released.clone(),
                    released,
                    Says("hello"),
                ],
            ),
            Self::of("given-back", vec![Says("ask me"), assigned("eve", 15_000)]),
            Self::of(
                "broken",
                vec![
                    Breaks("break it"),
                    Says("nothing"),
                    Retries,
                    Again,
                    Retries,
                    cancelled.clone(),
                    Retries,
                    Says("ask me"),
                    cancelled,
                    Says("red"),
                ],
            ),
            Self::of(
                "erased",
                vec![
                    Says("ask me"),
                    Does(Command::Erase(v1::Erase {})),
                    Again,
                    Says("hello"),
                    Says("ask me"),
                    Says("red"),
                ],
            ),
        ]
    }

    fn of(customer_id: &'static str, deeds: Vec<Deed>) -> Self {
        Self { customer_id, deeds: deeds.into_iter(), last: None, failed: None }
    }

    /// What comes next; `number` makes it another input than all before.
    pub fn next(&mut self, number: usize) -> Option<v1::Input> {
        let deed = self.deeds.next()?;
        let command = |kind: Command| Kind::Command(v1::Command { kind: Some(kind) });
        let input = match &deed {
            Deed::Again => self.last.clone()?,
            Deed::Says(text) | Deed::Breaks(text) => {
                said_by(self.customer_id, number, message_of(number, text))
            }
            Deed::Does(kind) => said_by(self.customer_id, number, command(kind.clone())),
            Deed::Retries => {
                let execution_id = self.failed.clone().unwrap_or_default();
                let text = "break it".to_owned();
                let retry = v1::Retry { execution_id, text, ..v1::Retry::default() };
                said_by(self.customer_id, number, command(Command::Retry(retry)))
            }
        };
        if let Deed::Breaks(_) = deed {
            self.failed = Some(input.execution_id.clone());
        }
        self.last = Some(input.clone());
        Some(input)
    }
}
