//! Checks of sources, for validation.

use crate::expression::Expression;
use crate::template::{Known, Templates};

/// The engine's templates and expressions.
#[derive(Debug, Clone, Copy, Default)]
pub struct Syntax;

impl flow_model::validate::Syntax for Syntax {
    fn template(&self, source: &str) -> Result<(), String> {
        // Most texts have nothing to run in them.
        if !source.contains(['{', '}']) {
            return Ok(());
        }
        Templates::new().add("t", source, Known::Conversation)
    }

    fn request_template(&self, source: &str) -> Result<(), String> {
        if !source.contains(['{', '}']) {
            return Ok(());
        }
        Templates::new().add("t", source, Known::WithSecrets)
    }

    fn expression(&self, source: &str) -> Result<(), String> {
        Expression::compile(source).map(|_| ())
    }
}
