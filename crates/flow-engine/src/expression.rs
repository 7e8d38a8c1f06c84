//! Expressions: CEL, bounded so that none can run on.
//!
//! Source length, depth and list macros are bounded when an expression is compiled; what it can see is
//! bounded by the state. Parsing recurses deeply, so it has a thread with a stack of its own; a panic of the
//! library is an error of the expression.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use cel::common::ast::{Expr, IdedExpr};
use cel::{Context, Program, Value as CelValue};
use flow_model::limits::EXPRESSION_BYTES_MAX;
use serde_json::Value;

use crate::scope;

/// Stack of the parsing thread.
const PARSE_STACK_BYTES: usize = 32 * 1024 * 1024;
/// Depth of an expression's tree.
const DEPTH_MAX: usize = 48;
/// Uses of `all`, `exists`, `exists_one`, `map` and `filter`: nested ones multiply.
const LIST_MACROS_MAX: usize = 1;

/// An expression that can run.
pub(crate) struct Expression {
    program: Program,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expression").field("source", &self.program.source_info().source).finish()
    }
}

impl Expression {
    /// Parses and bounds an expression.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn compile(source: &str) -> Result<Self, String> {
        if source.len() > EXPRESSION_BYTES_MAX {
            return Err(format!("it is longer than {EXPRESSION_BYTES_MAX} bytes"));
        }
        let owned = source.to_owned();
        let parser = thread::Builder::new()
            .stack_size(PARSE_STACK_BYTES)
            .spawn(move || {
                let parsed =
                    catch_unwind(|| Program::compile(&owned)).map_err(|_| "it cannot be read".to_owned())?;
                let program = parsed.map_err(|errors| first_line(&errors.to_string()))?;
                check(&program)?;
                Ok(program)
            })
            .map_err(|error| format!("it cannot be read now: {error}"))?;
        let program: Result<Program, String> =
            parser.join().unwrap_or_else(|_| Err("it cannot be read".to_owned()));
        Ok(Self { program: program? })
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// What went wrong, for people; also when it gives something else than a boolean.
    pub fn holds(&self, scope: &Value) -> Result<bool, String> {
        let run = || {
            let mut context = Context::default();
            for name in scope::NAMES {
                context.add_variable_from_value(name, to_cel(scope.get(name).unwrap_or(&Value::Null)));
            }
            self.program.execute(&context).map_err(|error| first_line(&error.to_string()))
        };
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(CelValue::Bool(holds))) => Ok(holds),
            Ok(Ok(other)) => Err(format!("it gives {} and not true or false", other.type_of())),
            Ok(Err(error)) => Err(error),
            Err(_) => Err("it cannot be run".to_owned()),
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it is wrong").to_owned()
}

fn check(program: &Program) -> Result<(), String> {
    let mut macros = 0;
    walk(program.expression(), 0, &mut macros)?;
    if let Some(unknown) = program
        .references()
        .variables()
        .into_iter()
        .find(|name| !scope::NAMES.contains(name) && !name.starts_with('@'))
        && macros == 0
    {
        return Err(format!("'{unknown}' is not known here; there are {}", scope::NAMES.join(", ")));
    }
    Ok(())
}

fn walk(expression: &IdedExpr, depth: usize, macros: &mut usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err("it is nested too deeply".to_owned());
    }
    let mut children: Vec<&IdedExpr> = Vec::new();
    match &expression.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Call(call) => {
            children.extend(call.target.as_deref());
            children.extend(&call.args);
        }
        Expr::Comprehension(list) => {
            *macros += 1;
            if *macros > LIST_MACROS_MAX {
                return Err("it may use only one of all, exists, exists_one, map and filter".to_owned());
            }
            children.extend([
                &list.iter_range,
                &list.accu_init,
                &list.loop_cond,
                &list.loop_step,
                &list.result,
            ]);
        }
        Expr::List(list) => children.extend(&list.elements),
        Expr::Select(select) => children.push(&select.operand),
        Expr::Map(_) | Expr::Struct(_) => return Err("maps and messages cannot be made here".to_owned()),
    }
    children.into_iter().try_for_each(|child| walk(child, depth + 1, macros))
}

/// JSON as CEL sees it: whole numbers are integers, whatever their sign.
fn to_cel(value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(value) => CelValue::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => CelValue::Int(integer),
            (None, Some(float)) => CelValue::Float(float),
            (None, None) => CelValue::Null,
        },
        Value::String(text) => CelValue::String(Arc::new(text.clone())),
        Value::Array(items) => CelValue::List(Arc::new(items.iter().map(to_cel).collect())),
        Value::Object(map) => {
            let entries: std::collections::HashMap<String, CelValue> =
                map.iter().map(|(key, value)| (key.clone(), to_cel(value))).collect();
            entries.into()
        }
    }
}

#[cfg(test)]
mod unit {
    use serde_json::json;

    use super::*;

    fn holds(source: &str) -> Result<bool, String> {
        let scope = json!({
            "vars": {"age": 18, "name": "Ann", "height": 1.5, "tags": ["a", "b"]},
            "message": {"text": "hi"}, "customer": {"id": "c"}, "steps": {}
        });
        Expression::compile(source)?.holds(&scope)
    }

    #[test]
    fn conditions_over_the_scope_hold_or_do_not() {
        for (source, expected) in [
            ("vars.age >= 18", true),
            ("vars.age + 1 > 18.5", true),
            ("vars.height < 1", false),
            ("vars.name == 'Ann' && message.text.contains('h')", true),
            ("has(vars.none)", false),
            ("vars.tags.exists(tag, tag == 'b')", true),
            ("'a' in vars.tags", true),
            ("vars.name.matches('^A')", true),
        ] {
            assert_eq!(holds(source), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_cannot_work_is_refused_when_it_is_compiled() {
        for source in [
            "",
            "vars.age >=",
            "nobody.age > 1",
            "vars.tags.map(a, vars.tags.map(b, b)).size() > 0",
            &"(".repeat(1000),
            &format!("{}true{}", "true && (false || (".repeat(60), "))".repeat(60)),
            "{'a': 1}.a == 1",
            &"x".repeat(EXPRESSION_BYTES_MAX + 1),
        ] {
            assert!(Expression::compile(source).is_err(), "{source}");
        }
    }

    #[test]
    fn what_goes_wrong_at_run_time_is_an_error() {
        for source in ["vars.none == 1", "vars.age", "vars.age / 0 == 1", "vars.name > 1"] {
            assert!(holds(source).is_err(), "{source}");
        }
    }
}
