//! A configuration made ready to run: templates and expressions compiled, references resolved.

use std::collections::HashMap;

use flow_model::workflow::{Configuration, Form, Node, NodeKind};

use crate::expression::Expression;
use crate::template::Templates;

/// A stored configuration cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("node '{node_id}' cannot be run: {why}")]
pub struct CompileError {
    node_id: String,
    why: String,
}

/// A flow that can run.
#[derive(Debug)]
pub struct Graph {
    pub(crate) nodes: Vec<Runnable>,
    pub(crate) templates: Templates,
    by_id: HashMap<String, usize>,
}

/// A node that can run. Places are indices into the graph's nodes; none where the flow ends.
#[derive(Debug)]
pub(crate) struct Runnable {
    pub id: String,
    pub type_name: &'static str,
    pub next: Option<usize>,
    pub kind: Kind,
}

/// What a node does. Templates are named in the graph's templates.
#[derive(Debug)]
pub(crate) enum Kind {
    Message {
        content: String,
    },
    Form {
        form: Form,
        labels: Vec<String>,
        on_invalid: Option<usize>,
    },
    Condition {
        branches: Vec<(Expression, Option<usize>)>,
        otherwise: Option<usize>,
    },
    Set {
        values: Vec<(String, String)>,
    },
    End,
    /// A type whose running is still to come.
    NotAvailable,
}

impl Graph {
    /// Compiles a configuration.
    ///
    /// # Errors
    /// When a template or an expression cannot be compiled: a sign of a stored configuration of another version.
    pub fn compile(configuration: &Configuration) -> Result<Self, CompileError> {
        let by_id: HashMap<String, usize> = configuration
            .nodes
            .iter()
            .enumerate()
            .rev()
            .map(|(index, node)| (node.id.clone(), index))
            .collect();
        let mut templates = Templates::new();
        let nodes = configuration
            .nodes
            .iter()
            .map(|node| {
                compile(node, &by_id, &mut templates)
                    .map_err(|why| CompileError { node_id: node.id.clone(), why })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { nodes, templates, by_id })
    }

    /// The place of a node.
    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }
}

fn compile(
    node: &Node,
    by_id: &HashMap<String, usize>,
    templates: &mut Templates,
) -> Result<Runnable, String> {
    let place = |id: &Option<String>| id.as_ref().and_then(|id| by_id.get(id).copied());
    let mut add = |name: String, source: &str| templates.add(&name, source).map(|()| name);
    let kind = match &node.kind {
        NodeKind::Message { content } => {
            Kind::Message { content: add(format!("{}/content", node.id), content)? }
        }
        NodeKind::Form(form) => {
            let labels = form
                .fields
                .iter()
                .map(|field| add(format!("{}/label/{}", node.id, field.name), &field.label))
                .collect::<Result<_, _>>()?;
            Kind::Form { form: form.clone(), labels, on_invalid: place(&form.on_invalid) }
        }
        NodeKind::Condition(condition) => {
            let branches = condition
                .branches
                .iter()
                .map(|branch| Ok((Expression::compile(&branch.when)?, place(&branch.next))))
                .collect::<Result<_, String>>()?;
            let otherwise = place(&condition.otherwise.clone().or_else(|| node.next.clone()));
            Kind::Condition { branches, otherwise }
        }
        NodeKind::Set { values } => {
            let values = values
                .iter()
                .map(|(name, source)| Ok((name.clone(), add(format!("{}/value/{name}", node.id), source)?)))
                .collect::<Result<_, String>>()?;
            Kind::Set { values }
        }
        NodeKind::End => Kind::End,
        NodeKind::AiResponse(_)
        | NodeKind::Delay { .. }
        | NodeKind::HttpRequest(_)
        | NodeKind::Sentiment(_)
        | NodeKind::Handoff { .. } => Kind::NotAvailable,
    };
    Ok(Runnable { id: node.id.clone(), type_name: node.kind.type_name(), next: place(&node.next), kind })
}
