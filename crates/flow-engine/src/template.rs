//! Templates: texts with `{{ }}`, `{% if %}` and `{% for %}`, bounded in fuel and output.
//!
//! There is nothing to load, and only filters whose result is not much larger than what goes in. `{% set %}`,
//! macros and includes are refused: doubling a variable thirty times would fill the memory before fuel runs
//! out. Customer text is a value in the scope and never part of a template.

use std::collections::HashMap;
use std::io::{self, Write};

use minijinja::value::{Value as MiniValue, ValueKind};
use minijinja::{
    Environment, ErrorKind, Output, State, Template, UndefinedBehavior, escape_formatter, filters, tests,
};
use serde::Serialize;
use serde_json::Value;

use crate::scope::{self, Scope};
use crate::secrets;

/// Instructions that one rendering may take.
const FUEL: u64 = 20_000;
/// Bytes that one rendering may give.
pub(crate) const OUTPUT_BYTES_MAX: usize = 16 * 1024;
/// Depth of nested calls and blocks.
const RECURSION_MAX: usize = 32;
/// Statements that a template may use.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// What a template may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// What the conversation holds.
    Conversation,
    /// The account's secrets as well.
    WithSecrets,
}

/// The templates of a graph, by name.
pub(crate) struct Templates {
    environment: Environment<'static>,
    /// By template: the members of the scope that it reads.
    reads: HashMap<String, Vec<&'static str>>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates").finish_non_exhaustive()
    }
}

impl Templates {
    pub fn new() -> Self {
        let mut environment = Environment::empty();
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION_MAX);
        // What is not known (yet) is written as nothing: a greeting without a name is better than none.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_formatter(write_value);
        environment.add_filter("upper", filters::upper);
        environment.add_filter("lower", filters::lower);
        environment.add_filter("title", filters::title);
        environment.add_filter("capitalize", filters::capitalize);
        environment.add_filter("trim", filters::trim);
        environment.add_filter("default", filters::default);
        environment.add_filter("length", filters::length);
        environment.add_filter("join", filters::join);
        environment.add_filter("first", filters::first);
        environment.add_filter("last", filters::last);
        environment.add_filter("round", filters::round);
        environment.add_filter("int", filters::int);
        environment.add_filter("float", filters::float);
        environment.add_filter("tojson", filters::tojson);
        environment.add_test("defined", tests::is_defined);
        environment.add_test("undefined", tests::is_undefined);
        Self { environment, reads: HashMap::new() }
    }

    /// Adds a template under a name.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn add(&mut self, name: &str, source: &str, known: Known) -> Result<(), String> {
        check_statements(source)?;
        self.environment
            .add_template_owned(name.to_owned(), source.to_owned())
            .map_err(|error| explain(&error))?;
        let template = self.environment.get_template(name).map_err(|error| explain(&error))?;
        let reads = names_of(&template, known)?;
        self.reads.insert(name.to_owned(), reads);
        Ok(())
    }

    /// Checks a template without keeping it.
    ///
    /// # Errors
    /// As [`Templates::add`].
    pub fn check(&self, source: &str, known: Known) -> Result<(), String> {
        check_statements(source)?;
        let template = self.environment.template_from_str(source).map_err(|error| explain(&error))?;
        names_of(&template, known).map(|_| ())
    }

    /// The secrets that a template names.
    pub fn secrets_of(&self, name: &str) -> Vec<String> {
        let Ok(template) = self.environment.get_template(name) else { return Vec::new() };
        let variables = template.undeclared_variables(true).into_iter();
        let prefix = format!("{}.", secrets::SCOPE);
        variables.filter_map(|variable| variable.strip_prefix(&prefix).map(str::to_owned)).collect()
    }

    /// Renders a template.
    ///
    /// # Errors
    /// What went wrong, for people.
    pub fn render(&self, name: &str, scope: Scope<'_>) -> Result<String, String> {
        self.render_all(name, &scope.only(self.reads.get(name).map_or(&[], Vec::as_slice)))
    }

    /// The same in a scope of its own, all of which it can see.
    pub fn render_in(&self, name: &str, scope: &Value) -> Result<String, String> {
        self.render_all(name, scope)
    }

    fn render_all(&self, name: &str, scope: &impl Serialize) -> Result<String, String> {
        let template = self.environment.get_template(name).map_err(|error| explain(&error))?;
        let mut output = Capped(Vec::new());
        match template.render_captured_to(minijinja::value::Serde(scope), &mut output) {
            Ok(_) => Ok(String::from_utf8_lossy(&output.0).into_owned()),
            Err(error) if error.kind() == ErrorKind::WriteFailure => {
                Err(format!("the text is longer than {OUTPUT_BYTES_MAX} bytes"))
            }
            Err(error) => Err(explain(&error)),
        }
    }
}

/// Writes a value as customers read it: what was not answered is nothing, and yes or no is spelled as in JSON.
fn write_value(
    output: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &MiniValue,
) -> Result<(), minijinja::Error> {
    if value.is_none() {
        return Ok(());
    }
    if value.kind() == ValueKind::Bool
        && let Ok(boolean) = bool::try_from(value.clone())
    {
        return Ok(output.write_str(if boolean { "true" } else { "false" })?);
    }
    escape_formatter(output, state, value)
}

/// The members of the scope that a template reads, when it reads only what is known.
fn names_of(template: &Template<'_, '_>, known: Known) -> Result<Vec<&'static str>, String> {
    let variables = template.undeclared_variables(false);
    let mut unknown: Vec<&String> = variables
        .iter()
        .filter(|variable| !scope::NAMES.contains(&variable.as_str()))
        .filter(|variable| known != Known::WithSecrets || *variable != secrets::SCOPE)
        .collect();
    unknown.sort();
    if let Some(first) = unknown.first() {
        return Err(format!("'{first}' is not known here; there are {}", scope::NAMES.join(", ")));
    }
    Ok(scope::names_in(variables.iter().map(String::as_str)))
}

/// Refuses statements other than the known ones.
fn check_statements(source: &str) -> Result<(), String> {
    for part in source.split("{%").skip(1) {
        let word: String = part
            .trim_start_matches(['-', '+'])
            .trim_start()
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        if !STATEMENTS.contains(&word.as_str()) {
            return Err(format!("'{{% {word} %}}' is not available; there are if and for"));
        }
    }
    Ok(())
}

fn explain(error: &minijinja::Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => "it takes too long".to_owned(),
        kind => error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
    }
}

/// Takes bytes up to the bound, then refuses.
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_BYTES_MAX {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod unit {
    use serde_json::json;

    use super::*;
    use crate::Input;

    fn render(source: &str, scope: &Value) -> Result<String, String> {
        let mut templates = Templates::new();
        templates.add("t", source, Known::Conversation)?;
        templates.render_in("t", scope)
    }

    #[test]
    fn values_are_filled_in_and_never_run() {
        let scope = json!({"vars": {"name": "{{ customer.id }}"}, "customer": {"id": "c"}});
        assert_eq!(
            render("Hi {{ vars.name }} <{{ vars.none.at.all }}>", &scope),
            Ok("Hi {{ customer.id }} <>".into())
        );
        assert_eq!(render("{% if vars.name %}yes{% else %}no{% endif %}", &scope), Ok("yes".into()));
        assert_eq!(render("{{ vars.n | default('x') | upper }}", &scope), Ok("X".into()));
    }

    #[test]
    fn what_is_not_there_is_nothing_and_yes_or_no_is_spelled_as_in_json() {
        let scope = json!({"vars": {"none": null, "yes": true, "no": false, "n": 2.5}});
        assert_eq!(
            render("<{{ vars.none }}> {{ vars.yes }} {{ vars.no }} {{ vars.n }}", &scope),
            Ok("<> true false 2.5".into())
        );
    }

    #[test]
    fn a_template_sees_what_it_reads_whatever_a_loop_calls_its_items() {
        let vars = json!({"list": [1, 2]}).as_object().unwrap().clone();
        let state = crate::State { vars, ..crate::State::fresh() };
        let input = Input { text: "hi", message_id: "m", customer_id: "c", channel: "web", metadata: None };
        let mut templates = Templates::new();
        for (source, expected) in [
            ("{% for message in vars.list %}{{ message }}{% endfor %}{{ message.text }}", "12hi"),
            ("{% for vars in vars.list %}{{ vars }}{{ customer.id }}{% endfor %}", "1c2c"),
            ("{% if message.text %}{{ steps | length }}{{ message.channel }}{% endif %}", "0web"),
            ("{{ message.metadata }}<{{ customer }}>", "<{'id': 'c'}>"),
        ] {
            templates.add(source, source, Known::Conversation).unwrap();
            assert_eq!(
                templates.render(source, Scope::of(&state, &input)).as_deref(),
                Ok(expected),
                "{source}"
            );
        }
    }

    #[test]
    fn what_cannot_work_is_refused_when_it_is_compiled() {
        for source in [
            "{{ vars.",
            "{{ nobody.name }}",
            "{% set x = 1 %}",
            "{% include 'x' %}",
            "{% macro m() %}{% endmacro %}",
            "{{ vars|pprint }}",
        ] {
            let mut templates = Templates::new();
            assert!(
                templates.add("t", source, Known::Conversation).is_err()
                    || templates.render_in("t", &json!({})).is_err(),
                "{source}"
            );
        }
    }

    #[test]
    fn bombs_end_in_an_error() {
        let scope = json!({"vars": {"a": "x".repeat(10_000), "list": (0..1000).collect::<Vec<_>>()}});
        for source in [
            "{{ vars.a }}{{ vars.a }}",
            "{% for a in vars.list %}{% for b in vars.list %}{% for c in vars.list %}{% endfor %}{% endfor %}{% endfor %}",
            "{{ 'x' * 1000000000 }}",
            "{{ ((((((((((vars.a ~ vars.a) ~ (vars.a ~ vars.a)))))))))) }}",
        ] {
            assert!(render(source, &scope).is_err(), "{source}");
        }
    }
}
