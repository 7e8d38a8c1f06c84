//! A form asks for one field at a time, and asks again when an answer does not fit.

use flow_model::workflow::Form;
use serde_json::Value;

use crate::advance::Walk;
use crate::graph::Runnable;
use crate::node::{Went, answer};
use crate::state::{Awaited, FormProgress, Waiting};
use crate::turn::{Ending, Failure, Object};

/// A form under way.
pub(crate) struct Asking<'a> {
    pub node: &'a Runnable,
    pub form: &'a Form,
    pub labels: &'a [String],
    pub on_invalid: Option<usize>,
    pub on_timeout: Option<usize>,
}

impl Asking<'_> {
    /// Asks for the first field.
    pub fn begin(&self, walk: &mut Walk<'_>) -> Result<(Object, Went), Failure> {
        self.ask(FormProgress::default(), Object::new(), None, walk)
    }

    /// Takes the customer's answer to the field that was asked for.
    pub fn answer(&self, mut progress: FormProgress, walk: &mut Walk<'_>) -> Result<(Object, Went), Failure> {
        let Some(field) = self.form.fields.get(progress.field) else {
            let message = "the form was changed while it waited".to_owned();
            return Err(Failure::of("STATE_UNREADABLE", message));
        };
        let value = match answer::read(field, walk.input.text) {
            Ok(value) => value,
            Err(reason) => return self.refuse(progress, &reason, walk),
        };
        walk.state.vars.insert(field.name.clone(), value.clone());
        progress.values.insert(field.name.clone(), value.clone());
        progress.field += 1;
        progress.attempts = 0;
        if progress.field < self.form.fields.len() {
            let taken = fields(Object::from_iter([(field.name.clone(), value)]));
            return self.ask(progress, taken, None, walk);
        }
        Ok((fields(progress.values), Went::To(self.node.next)))
    }

    /// Asks again with the reason, or gives up.
    fn refuse(
        &self,
        mut progress: FormProgress,
        reason: &str,
        walk: &mut Walk<'_>,
    ) -> Result<(Object, Went), Failure> {
        progress.attempts += 1;
        let output = Object::from_iter([("invalid".to_owned(), Value::from(reason))]);
        if progress.attempts < self.form.max_attempts {
            return self.ask(progress, output, Some(reason), walk);
        }
        if let Some(place) = self.on_invalid {
            return Ok((output, Went::To(Some(place))));
        }
        let message = format!("{} answers in a row did not fit: {reason}", progress.attempts);
        Err(Failure::of("FORM_ATTEMPTS_EXCEEDED", message))
    }

    /// Goes on without an answer.
    pub fn give_up(&self) -> (Object, Went) {
        (Object::from_iter([("timed_out".to_owned(), Value::from(true))]), Went::To(self.on_timeout))
    }

    fn ask(
        &self,
        progress: FormProgress,
        mut output: Object,
        reason: Option<&str>,
        walk: &mut Walk<'_>,
    ) -> Result<(Object, Went), Failure> {
        let (Some(field), Some(label)) =
            (self.form.fields.get(progress.field), self.labels.get(progress.field))
        else {
            return Ok((fields(progress.values), Went::To(self.node.next)));
        };
        let question = walk.render(label)?;
        let text = reason.map_or_else(|| question.clone(), |reason| format!("{reason} {question}"));
        walk.say(self.node, &text);
        output.insert("asked".to_owned(), Value::from(field.name.clone()));
        output.insert("message_sent".to_owned(), Value::from(text));
        let waiting = Waiting::at(&self.node.id, Awaited::Form(progress));
        Ok((output, Went::Waits(waiting, Ending::WaitingForInput { timeout_ms: self.form.timeout_ms })))
    }
}

fn fields(values: Object) -> Object {
    Object::from_iter([("fields".to_owned(), Value::Object(values))])
}
