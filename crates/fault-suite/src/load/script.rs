//! What each customer says, and what must become of it. A script has no end: it is asked for one turn after the other.

/// What a customer talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The greeting: each message is answered twice.
    Greet,
    /// The survey: three messages a round.
    Survey,
    /// A greeting whose turn panics.
    Panics,
    /// A greeting that ends the process that takes it, each time.
    Aborts,
    /// A greeting that its process never comes to an end with.
    Hangs,
    /// A flow whose steps have no end.
    Loops,
    /// A flow whose variables grow until they are too large.
    Grows,
}

impl Kind {
    /// Whether nothing is wrong with it.
    pub fn is_usual(self) -> bool {
        matches!(self, Self::Greet | Self::Survey)
    }

    /// As customers are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Greet => "greet",
            Self::Survey => "survey",
            Self::Panics => "panics",
            Self::Aborts => "aborts",
            Self::Hangs => "hangs",
            Self::Loops => "loops",
            Self::Grows => "grows",
        }
    }
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ends {
    /// An execution that answers with these texts.
    Answered(Vec<String>),
    /// An execution that fails.
    Failed,
    /// A dead letter, and no execution.
    Dead,
}

/// One message and its end.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The sender's own id of it.
    pub message_id: String,
    /// Its text; no other message of the customer has it.
    pub says: String,
    /// What becomes of it.
    pub ends: Ends,
}

/// One customer's messages.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// What the customer talks to.
    pub kind: Kind,
    /// The customer's number among those.
    pub number: usize,
    /// How many messages are under way at once; 1 unless the customer does not wait for answers. Those of one lane, every
    /// so manieth, are in order.
    pub lanes: usize,
}

impl Script {
    /// Every other customer answers the survey; the others are greeted each time.
    pub fn of_customer(number: usize) -> Self {
        let kind = if number % 2 == 1 { Kind::Survey } else { Kind::Greet };
        Self { kind, number, lanes: 1 }
    }

    /// How the customer is called.
    pub fn customer(&self) -> String {
        format!("{}-{}", self.kind.name(), self.number)
    }

    /// The message with this number, from 0.
    pub fn turn(&self, n: usize) -> Turn {
        let (says, ends) = match self.kind {
            Kind::Greet => greeted(&self.customer(), n),
            Kind::Survey => surveyed(self.number, n),
            Kind::Panics => (format!("hello {n} drill:panic"), Ends::Failed),
            Kind::Aborts => (format!("hello {n} drill:abort"), Ends::Dead),
            Kind::Hangs => (format!("hello {n} drill:hang"), Ends::Dead),
            Kind::Loops => (format!("loop {n}"), Ends::Failed),
            Kind::Grows => (format!("grow {n}"), Ends::Failed),
        };
        Turn { message_id: format!("m-{n}"), says, ends }
    }

    /// The number of the message that has this id.
    pub fn number_of(message_id: &str) -> Option<usize> {
        message_id.strip_prefix("m-")?.parse().ok()
    }
}

fn greeted(customer: &str, n: usize) -> (String, Ends) {
    let loud = n % 4 == 3;
    let says = format!("hello {n}{}", if loud { "!" } else { "" });
    let second = if loud { "No need to shout".to_owned() } else { format!("You said: {says}") };
    (says, Ends::Answered(vec![format!("Hi {customer}"), second]))
}

fn surveyed(number: usize, n: usize) -> (String, Ends) {
    let round = n / 3;
    let name = format!("Name{number}x{round}");
    let (says, hears) = match n % 3 {
        0 => (format!("start {round}"), "What is your name?".to_owned()),
        1 => (name.clone(), format!("How old are you, {name}?")),
        _ if round.is_multiple_of(2) => ((18 + round).to_string(), format!("Dear {name}, welcome")),
        _ => (format!("-{round}"), format!("Dear {name}, come back later")),
    };
    (says, Ends::Answered(vec![hears]))
}
