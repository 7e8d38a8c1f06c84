//! Checks of sources, for validation.

use std::sync::LazyLock;

use crate::expression::Expression;
use crate::template::{Known, Templates};

/// What templates are checked with.
static TEMPLATES: LazyLock<Templates> = LazyLock::new(Templates::new);

/// The engine's templates and expressions.
#[derive(Debug, Clone, Copy, Default)]
pub struct Syntax;

impl flow_model::validate::Syntax for Syntax {
    fn template(&self, source: &str) -> Result<(), String> {
        // Most texts have nothing to run in them.
        if !source.contains(['{', '}']) {
            return Ok(());
        }
        TEMPLATES.check(source, Known::Conversation)
    }

    fn request_template(&self, source: &str) -> Result<(), String> {
        if !source.contains(['{', '}']) {
            return Ok(());
        }
        TEMPLATES.check(source, Known::WithSecrets)
    }

    fn expression(&self, source: &str) -> Result<(), String> {
        Expression::compile(source).map(|_| ())
    }
}
