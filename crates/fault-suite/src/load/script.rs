//! What each customer says, and what must become of it. A script has no end: it is asked for one turn after the other.

mod waiting;

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
    /// Looks something up in a system that is not ours.
    Order,
    /// Asks a model.
    Ask,
    /// Is told later, after a system that is not ours was asked.
    Remind,
    /// Is asked, and answers in time or not.
    Quiz,
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
            Self::Order => "order",
            Self::Ask => "ask",
            Self::Remind => "remind",
            Self::Quiz => "quiz",
        }
    }

    /// A customer who listens says so many messages more before having heard what came of the earlier ones.
    pub fn ahead(self) -> usize {
        match self {
            // What comes while a flow waits for another system waits for its turn.
            Self::Order => ORDERS_AHEAD,
            // What is said during a delay would take its place; a question that is not over takes any text for its answer.
            Self::Remind
            | Self::Quiz
            | Self::Ask
            | Self::Greet
            | Self::Survey
            | Self::Panics
            | Self::Aborts
            | Self::Hangs
            | Self::Loops
            | Self::Grows => 0,
        }
    }
}

/// Orders that wait for their turn; far fewer than a mailbox holds.
const ORDERS_AHEAD: usize = 20;

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ends {
    /// An execution that answers with these texts.
    Answered(Vec<String>),
    /// The same, unless the question before has timed out: then nothing takes the message.
    AnsweredInTime(Vec<String>),
    /// An execution that fails.
    Failed,
    /// A dead letter, and no execution.
    Dead,
}

/// What a timer does when the message's own execution is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// There is none.
    Nothing,
    /// It makes an execution that says this.
    Says(String),
    /// The same, unless the customer's next message comes before: exactly one of the two has an execution.
    SaysUnlessAnswered(String),
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
    /// What comes later by itself.
    pub then: Then,
}

impl Turn {
    /// How many executions it has, those that come later counted.
    pub fn executions(&self) -> usize {
        let own = match self.ends {
            Ends::Answered(_) | Ends::Failed => 1,
            // The question before has counted the one that takes its place.
            Ends::AnsweredInTime(_) | Ends::Dead => 0,
        };
        own + usize::from(self.then != Then::Nothing)
    }

    /// How many replies the customer hears before saying the next message.
    fn replies(&self) -> usize {
        let own = match &self.ends {
            Ends::Answered(texts) | Ends::AnsweredInTime(texts) => texts.len(),
            Ends::Failed | Ends::Dead => 0,
        };
        own + usize::from(matches!(self.then, Then::Says(_)))
    }
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
        let at_once = |(says, ends)| (says, ends, Then::Nothing);
        let (says, ends, then) = match self.kind {
            Kind::Greet => at_once(greeted(&self.customer(), n)),
            Kind::Survey => at_once(surveyed(self.number, n)),
            Kind::Panics => at_once((format!("hello {n} drill:panic"), Ends::Failed)),
            Kind::Aborts => at_once((format!("hello {n} drill:abort"), Ends::Dead)),
            Kind::Hangs => at_once((format!("hello {n} drill:hang"), Ends::Dead)),
            Kind::Loops => at_once((format!("loop {n}"), Ends::Failed)),
            Kind::Grows => at_once((format!("grow {n}"), Ends::Failed)),
            Kind::Order => waiting::ordered(&self.customer(), n),
            Kind::Ask => waiting::asked(&self.customer(), n),
            Kind::Remind => waiting::reminded(&self.customer(), n),
            Kind::Quiz => waiting::quizzed(&self.customer(), self.number, n),
        };
        Turn { message_id: format!("m-{n}"), says, ends, then }
    }

    /// How many replies the customer has heard when so many messages are over.
    pub fn replies_to(&self, turns: usize) -> usize {
        (0..turns).map(|n| self.turn(n).replies()).sum()
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
