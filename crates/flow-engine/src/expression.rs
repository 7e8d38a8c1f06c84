//! Expressions: CEL, bounded so that none can run on.
//!
//! Source length, depth and list macros are bounded when an expression is compiled; what it can see is
//! bounded by the state. Parsing recurses deeply, so what is not short and shallow has a thread with a stack of its
//! own; a panic of the library is an error of the expression.

mod seen;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};
use std::thread;

use cel::common::ast::{Expr, IdedExpr};
use cel::{Context, Env, Program, Value as CelValue};
use flow_model::limits::EXPRESSION_BYTES_MAX;

use crate::scope::{self, Scope};

/// Stack of the parsing thread.
const PARSE_STACK_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of a source that is parsed where it is.
const SHALLOW_BYTES_MAX: usize = 256;
/// What begins something inside it; each takes the parser some 12 KiB of stack.
const OPENING: [char; 4] = ['(', '[', '{', '?'];
/// How many of these a source may have that is parsed where it is.
const SHALLOW_OPENINGS_MAX: usize = 8;
/// Depth of an expression's tree.
const DEPTH_MAX: usize = 48;
/// Uses of `all`, `exists`, `exists_one`, `map` and `filter`: nested ones multiply.
const LIST_MACROS_MAX: usize = 1;

/// What expressions can call. It is large, and the same for all of them.
static STANDARD: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// An expression that can run.
pub(crate) struct Expression {
    program: Program,
    /// The members of the scope that it reads.
    reads: Vec<&'static str>,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expression")
            .field("source", &self.program.source_info().source)
            .finish_non_exhaustive()
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
        let program = if is_shallow(source) { parse(source) } else { parse_deep(source.to_owned()) };
        let program = program?;
        let reads = scope::names_in(program.references().variables());
        Ok(Self { program, reads })
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// What went wrong, for people; also when it gives something else than a boolean.
    pub fn holds(&self, scope: Scope<'_>) -> Result<bool, String> {
        let run = || {
            let mut context = Context::with_env(Arc::clone(&STANDARD));
            seen::show(scope.only(&self.reads), &mut context);
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

/// Whether a source needs so little stack that any thread has it: less than 200 KiB, measured in a development build.
fn is_shallow(source: &str) -> bool {
    source.len() <= SHALLOW_BYTES_MAX && source.matches(OPENING).count() <= SHALLOW_OPENINGS_MAX
}

fn parse(source: &str) -> Result<Program, String> {
    let parsed = catch_unwind(|| Program::compile(source)).map_err(|_| "it cannot be read".to_owned())?;
    let program = parsed.map_err(|errors| first_line(&errors.to_string()))?;
    check(&program)?;
    Ok(program)
}

/// Parses on a stack that is large enough for any source.
fn parse_deep(source: String) -> Result<Program, String> {
    let parser = thread::Builder::new()
        .stack_size(PARSE_STACK_BYTES)
        .spawn(move || parse(&source))
        .map_err(|error| format!("it cannot be read now: {error}"))?;
    parser.join().unwrap_or_else(|_| Err("it cannot be read".to_owned()))
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

#[cfg(test)]
mod unit {
    use serde_json::json;

    use super::*;
    use crate::state::State;
    use crate::turn::Input;

    fn holds(source: &str) -> Result<bool, String> {
        let vars = json!({"age": 18, "name": "Ann", "height": 1.5, "tags": ["a", "b"], "none_yet": null});
        let state = State { vars: vars.as_object().unwrap().clone(), ..State::fresh() };
        let input = Input { text: "hi", message_id: "m", customer_id: "c", channel: "web", metadata: None };
        Expression::compile(source)?.holds(Scope::of(&state, &input))
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
            ("customer.id + message.channel == 'cweb' && size(steps) == 0", true),
            ("message.metadata == null && vars.none_yet == null", true),
            ("vars.exists(name, name == 'height')", true),
            ("[vars.age, 18.0].all(vars, vars == 18)", true),
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
