//! What the customers say whose flows wait: for another system, for a model, for a time, for an answer that may not come.
//!
//! Every text is the only one of its kind, so that what was heard and asked tells which message it belongs to.

use super::{Ends, Then};

/// An order is looked up in another system.
pub(super) fn ordered(customer: &str, n: usize) -> (String, Ends, Then) {
    let says = format!("order {n} of {customer}");
    let hears = vec!["One moment".to_owned(), format!("It is: {says}")];
    (says, Ends::Answered(hears), Then::Nothing)
}

/// A question is answered by the model.
pub(super) fn asked(customer: &str, n: usize) -> (String, Ends, Then) {
    let says = format!("ask {n} of {customer}");
    let hears = vec![format!("Answer to {says}")];
    (says, Ends::Answered(hears), Then::Nothing)
}

/// After one, two or three seconds another system is asked, and the customer is told.
pub(super) fn reminded(customer: &str, n: usize) -> (String, Ends, Then) {
    let when = match n % 3 {
        0 => "soon",
        1 => "later",
        _ => "sometime",
    };
    let says = format!("remind {n} of {customer} {when}");
    let then = Then::Says(format!("Now: {says}"));
    (says, Ends::Answered(vec!["I will".to_owned()]), then)
}

/// Three messages a round: a question that is left without an answer, another one, and its answer.
pub(super) fn quizzed(customer: &str, number: usize, n: usize) -> (String, Ends, Then) {
    let says = format!("quiz {n} of {customer}");
    let asks = Ends::Answered(vec![format!("What is it, {says}?")]);
    let late = format!("Too late: {says}");
    match n % 3 {
        0 => (says, asks, Then::Says(late)),
        1 => (says, asks, Then::SaysUnlessAnswered(late)),
        _ => {
            // Without the customer's name, which has the workflow's keyword in it.
            let says = format!("bird {n} by {number}");
            let right = format!("Right: {says}");
            (says, Ends::AnsweredInTime(vec![right]), Then::Nothing)
        }
    }
}
