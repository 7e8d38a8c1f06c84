//! From a document to a workflow: every rule of the API, every problem with its place.
//!
//! What is deliberately absent: the syntax of templates and expressions, which belongs to the engine and comes in
//! through [`Syntax`].

mod configuration;
mod draft;
mod form;
mod node;
mod text;

pub use draft::{WorkflowDraft, WorkflowPatch};

/// Checks the source texts that the engine will run.
pub trait Syntax {
    /// Checks a template.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    fn template(&self, source: &str) -> Result<(), String>;

    /// Checks a template of a request to another system, which may name secrets.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    fn request_template(&self, source: &str) -> Result<(), String>;

    /// Checks a CEL expression.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    fn expression(&self, source: &str) -> Result<(), String>;
}

/// Takes every source as good: for documents that were checked when they were stored.
#[derive(Debug, Clone, Copy)]
pub struct Unchecked;

impl Syntax for Unchecked {
    fn template(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn request_template(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn expression(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}
