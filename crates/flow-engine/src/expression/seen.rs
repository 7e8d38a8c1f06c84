//! The scope as CEL sees it: texts are borrowed, whole numbers are integers, whatever their sign.

use std::collections::HashMap;

use cel::Context;
use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::Val;
use serde_json::Value;

use crate::scope::Scope;

/// A value that may borrow its texts.
type Seen<'v> = Box<dyn Val + 'v>;

/// Puts the members of the scope into the context.
pub(super) fn show<'v>(scope: Scope<'v>, context: &mut Context<'_, 'v>) {
    if let Some(customer) = scope.customer {
        context.add_variable_as_val("customer", map([("id", text(customer.id))]));
    }
    if let Some(message) = scope.message {
        let members = [
            ("id", text(message.id)),
            ("text", text(message.text)),
            ("channel", text(message.channel)),
            ("metadata", message.metadata.map_or_else(|| Box::new(CelNull) as Seen<'_>, value)),
        ];
        context.add_variable_as_val("message", map(members));
    }
    for (name, object) in [("vars", scope.vars), ("steps", scope.steps)] {
        if let Some(object) = object {
            context.add_variable_as_val(name, map(object.iter().map(member)));
        }
    }
}

fn value(json: &Value) -> Seen<'_> {
    match json {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Box::new(CelInt::from(integer)),
            (None, Some(float)) => Box::new(CelDouble::from(float)),
            (None, None) => Box::new(CelNull),
        },
        Value::String(value) => text(value),
        Value::Array(items) => Box::new(CelList::from(items.iter().map(value).collect::<Vec<_>>())),
        Value::Object(members) => map(members.iter().map(member)),
    }
}

fn member<'v>((name, json): (&'v String, &'v Value)) -> (&'v str, Seen<'v>) {
    (name, value(json))
}

fn map<'v>(members: impl IntoIterator<Item = (&'v str, Seen<'v>)>) -> Seen<'v> {
    let members = members.into_iter().map(|(name, value)| (CelMapKey::from(name), value));
    Box::new(CelMap::from(members.collect::<HashMap<_, _>>()))
}

fn text(text: &str) -> Seen<'_> {
    Box::new(CelString::from(text))
}
