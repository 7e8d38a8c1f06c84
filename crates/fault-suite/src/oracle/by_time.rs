//! Executions that timers made, beside what the scripts say: each timer fires once, or not at all when the customer was faster.

use std::collections::{HashMap, HashSet};

use super::stored::Execution;
use crate::load::Spoken;
use crate::load::script::Then;
use crate::row::Row;

/// Compares those of one customer, which are in the order of the conversation.
pub fn compare(row: &mut Row, customer: &str, spoken: &Spoken, found: &[Execution]) {
    let mut fired: HashMap<Option<usize>, Vec<&Execution>> = HashMap::new();
    let mut handled: HashSet<usize> = HashSet::new();
    let mut last = None;
    for execution in found {
        if execution.by_timer() {
            fired.entry(last).or_default().push(execution);
        } else {
            last = execution.sequence();
            handled.extend(last);
        }
    }
    for sequence in 0..spoken.turns {
        let turn = spoken.script.turn(sequence);
        let message = &turn.message_id;
        let of_turn = fired.remove(&Some(sequence)).unwrap_or_default();
        row.twice += of_turn.len().saturating_sub(1);
        let (says, was_faster) = match turn.then {
            Then::Nothing => {
                row.must(of_turn.is_empty(), || {
                    format!("I5: {customer} {message} was gone on with by a timer")
                });
                continue;
            }
            Then::Says(says) => (says, false),
            Then::SaysUnlessAnswered(says) => (says, handled.contains(&(sequence + 1))),
        };
        match of_turn.first() {
            None if was_faster => {}
            None => {
                row.lost += 1;
                row.problem(format!("I1: the timer of {customer} {message} has no execution"));
            }
            Some(_) if was_faster => {
                row.problem(format!("I2: {customer} {message} was answered in time, and has timed out"));
            }
            Some(execution) => row.must(execution.says(std::slice::from_ref(&says)), || {
                let (got, error): (Vec<&str>, _) = (execution.replies().collect(), &execution.record.error);
                format!("the timer of {customer} {message} said {got:?} ({error:?}), not {says}")
            }),
        }
    }
    row.must(fired.is_empty(), || format!("I5: timers of {customer} that no message has set"));
}

#[cfg(test)]
mod tests {
    use contracts::v1;
    use uuid::Uuid;

    use super::*;
    use crate::fault::Fault;
    use crate::load::script::{Ends, Kind, Script, Turn};

    /// What the scripts want of a customer who has said so many messages; answered when the quiz's answer came in time.
    fn right(script: Script, turns: usize, in_time: bool) -> Vec<Execution> {
        let mut made = Vec::new();
        for turn in (0..turns).map(|n| script.turn(n)) {
            let Turn { message_id, ends, then, .. } = turn;
            match ends {
                Ends::Answered(texts) => made.push(execution(&message_id, texts)),
                Ends::AnsweredInTime(texts) if in_time => made.push(execution(&message_id, texts)),
                Ends::AnsweredInTime(_) | Ends::Failed | Ends::Dead => {}
            }
            match then {
                Then::Says(text) => made.push(execution("", vec![text])),
                Then::SaysUnlessAnswered(text) if !in_time => made.push(execution("", vec![text])),
                Then::SaysUnlessAnswered(_) | Then::Nothing => {}
            }
        }
        made
    }

    /// One that a timer made when it has no message.
    fn execution(message_id: &str, texts: Vec<String>) -> Execution {
        let replies = texts.into_iter().map(|text| v1::Reply { text, ..v1::Reply::default() });
        let record = v1::ExecutionRecord {
            message_id: message_id.to_owned(),
            started_by_timer: message_id.is_empty(),
            replies: replies.collect(),
            ..v1::ExecutionRecord::default()
        };
        let status = v1::ExecutionStatus::Success as i16;
        Execution {
            id: Uuid::nil(),
            workflow: Uuid::nil(),
            channel: 0,
            status,
            started_at_ms: 0,
            duration_ms: 0,
            record,
        }
    }

    /// What is wrong: lost, twice, and how many problems.
    fn judged(script: Script, turns: usize, found: &[Execution]) -> (usize, usize, usize) {
        let mut row = Row::new(Fault::R17, 1);
        compare(&mut row, "somebody", &Spoken { script, turns }, found);
        (row.lost, row.twice, row.problems.len())
    }

    const REMIND: Script = Script { kind: Kind::Remind, number: 0, lanes: 1 };
    const QUIZ: Script = Script { kind: Kind::Quiz, number: 0, lanes: 1 };

    #[test]
    fn what_the_scripts_want_is_right() {
        assert_eq!(judged(REMIND, 4, &right(REMIND, 4, true)), (0, 0, 0));
        assert_eq!(judged(QUIZ, 9, &right(QUIZ, 9, true)), (0, 0, 0));
        assert_eq!(judged(QUIZ, 9, &right(QUIZ, 9, false)), (0, 0, 0));
    }

    #[test]
    fn a_timer_that_never_fires_is_lost_and_one_that_fires_again_is_counted() {
        let mut found = right(REMIND, 3, true);
        found.remove(3);
        assert_eq!(judged(REMIND, 3, &found), (1, 0, 1));
        let mut found = right(REMIND, 3, true);
        found.insert(4, execution("", vec!["Now: again".to_owned()]));
        assert_eq!(judged(REMIND, 3, &found), (0, 1, 0));
    }

    #[test]
    fn an_answer_in_time_and_a_time_out_exclude_each_other() {
        let mut found = right(QUIZ, 3, true);
        found.insert(3, execution("", vec!["Too late: quiz 1 of quiz-0".to_owned()]));
        assert_eq!(judged(QUIZ, 3, &found).2, 1);
        let mut found = right(QUIZ, 3, false);
        found.pop();
        assert_eq!(judged(QUIZ, 3, &found).0, 1);
    }

    #[test]
    fn what_a_timer_says_is_compared() {
        let mut found = right(REMIND, 1, true);
        found.pop();
        found.push(execution("", vec!["Now: something else".to_owned()]));
        assert_eq!(judged(REMIND, 1, &found), (0, 0, 1));
    }
}
