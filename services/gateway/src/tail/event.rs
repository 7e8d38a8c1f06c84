//! What a tail reads of an event, and whether it was told before.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// An event, as far as a tail looks at it.
#[derive(Debug, Deserialize)]
pub(crate) struct Event<'a> {
    /// Its type.
    #[serde(borrow)]
    pub r#type: Cow<'a, str>,
    /// What it tells.
    #[serde(borrow)]
    pub data: Data<'a>,
}

/// The data, as far as a tail looks at them.
#[derive(Debug, Deserialize)]
pub(crate) struct Data<'a> {
    partition: u32,
    commit_no: u64,
    index: u32,
    #[serde(borrow)]
    pub conversation_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub workflow_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub execution_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub customer_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub channel: Option<Cow<'a, str>>,
}

impl<'a> Event<'a> {
    /// Reads one; none when it has no right form, such as a type that would break a line.
    pub fn read(raw: &'a RawValue) -> Option<Self> {
        let event: Self = serde_json::from_str(raw.get()).ok()?;
        (!event.r#type.chars().any(char::is_control)).then_some(event)
    }
}

/// The events of a bus message, in order; none when it is not an array.
pub(super) fn events_of(payload: &[u8]) -> Option<Vec<&RawValue>> {
    serde_json::from_slice(payload).ok()
}

/// The last event of each partition that was seen: (`commit_no`, `index`) only goes up, so what is not newer comes again.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<u32, (u64, u32)>);

impl Seen {
    /// Notes an event; says whether it is new.
    pub fn note(&mut self, event: &Event<'_>) -> bool {
        let place = (event.data.commit_no, event.data.index);
        match self.0.get_mut(&event.data.partition) {
            Some(last) if *last >= place => false,
            Some(last) => {
                *last = place;
                true
            }
            None => {
                self.0.insert(event.data.partition, place);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn what_a_partition_tells_again_is_not_new() {
        let mut seen = Seen::default();
        let told = [(1, 1, 0), (1, 1, 1), (2, 1, 0), (1, 1, 1), (1, 2, 0), (1, 1, 9), (2, 1, 1)];
        let new: Vec<bool> = told
            .iter()
            .map(|(partition, commit_no, index)| {
                let event = raw(&format!(
                    r#"{{"type":"x","data":{{"partition":{partition},"commit_no":{commit_no},"index":{index}}}}}"#
                ));
                seen.note(&Event::read(&event).unwrap())
            })
            .collect();
        assert_eq!(new, [true, true, true, false, true, false, true]);
    }

    #[test]
    fn an_event_whose_type_would_break_a_line_cannot_be_read() {
        let data = r#""data":{"partition":1,"commit_no":1,"index":0}"#;
        assert!(Event::read(&raw(&format!(r#"{{"type":"a.b",{data}}}"#))).is_some());
        assert!(Event::read(&raw(&format!(r#"{{"type":"a\nb",{data}}}"#))).is_none());
        assert!(Event::read(&raw(r#"{"type":"a.b"}"#)).is_none());
    }
}
