//! What each customer says, and what must be answered.

/// One customer's messages.
pub struct Script {
    pub number: usize,
    pub customer: String,
    /// Whether the customer talks to the survey; to the greeting otherwise.
    pub survey: bool,
    pub turns: Vec<Turn>,
}

/// One message and its replies.
pub struct Turn {
    pub message_id: String,
    pub says: String,
    pub hears: Vec<String>,
}

impl Script {
    /// Every other customer answers the survey, three messages a round; the others are greeted each time.
    pub fn of_customer(number: usize, messages: usize) -> Self {
        let customer = format!("customer-{number}");
        let survey = number % 2 == 1;
        let turns = (0..messages)
            .map(|n| {
                let (says, hears) = if survey { surveyed(number, n) } else { greeted(&customer, n) };
                Turn { message_id: format!("m-{n}"), says, hears }
            })
            .collect();
        Self { number, customer, survey, turns }
    }
}

fn greeted(customer: &str, n: usize) -> (String, Vec<String>) {
    let loud = n % 4 == 3;
    let says = format!("hello {n}{}", if loud { "!" } else { "" });
    let second = if loud { "No need to shout".to_owned() } else { format!("You said: {says}") };
    (says, vec![format!("Hi {customer}"), second])
}

fn surveyed(number: usize, n: usize) -> (String, Vec<String>) {
    let (round, age) = (n / 3, if n.is_multiple_of(2) { 42 } else { 17 });
    let name = format!("Name{number}x{round}");
    match n % 3 {
        0 => ("start".to_owned(), vec!["What is your name?".to_owned()]),
        1 => (name.clone(), vec![format!("How old are you, {name}?")]),
        _ => {
            let end = if age >= 18 { "welcome" } else { "come back later" };
            (age.to_string(), vec![format!("Dear {name}, {end}")])
        }
    }
}
