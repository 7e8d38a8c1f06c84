//! What a workflow speaks of and what is not there: a warning, since it may come later.

use contracts::v1::{self, Failure};
use flow_model::workflow::{Configuration, NodeKind};
use flow_model::{AccountId, WarningCode};

use super::failure;
use crate::store::Store;

/// The warnings of a configuration with those of its knowledge bases that do not exist, in the order of the nodes.
pub(super) async fn with_missing_bases(
    store: &Store,
    account: AccountId,
    configuration: &Configuration,
    mut warnings: Vec<v1::Problem>,
) -> Result<Vec<v1::Problem>, Failure> {
    let bases: Vec<(usize, &str)> = configuration
        .nodes
        .iter()
        .enumerate()
        .filter_map(|(index, node)| {
            let NodeKind::AiResponse(ai_response) = &node.kind else { return None };
            Some((index, ai_response.knowledge_base.trim()))
        })
        .collect();
    let called: Vec<String> = bases.iter().map(|(_, name)| (*name).to_owned()).collect();
    let missing = store.missing_bases(account, &called).await.map_err(|error| failure(&error))?;
    for (index, name) in bases.into_iter().filter(|(_, name)| missing.iter().any(|known| known == name)) {
        warnings.push(v1::Problem {
            code: WarningCode::KnowledgeBaseMissing.as_str().to_owned(),
            field: format!("configuration.nodes[{index}].knowledge_base"),
            message: format!(
                "There is no knowledge base '{name}': the node gives its fallback until there is one"
            ),
        });
    }
    // Stable: what is said of one node stays as it was said.
    warnings.sort_by_key(|warning| node_of(&warning.field));
    Ok(warnings)
}

/// The number of the node that a field belongs to.
fn node_of(field: &str) -> usize {
    let number = field.strip_prefix("configuration.nodes[").and_then(|rest| rest.split_once(']'));
    number.and_then(|(number, _)| number.parse().ok()).unwrap_or(0)
}
