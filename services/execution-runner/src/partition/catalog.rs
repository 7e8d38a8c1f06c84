//! What workflows are active, as of each place in the stream.
//!
//! Every marker is kept with its place, so an input is matched against the state that held where it stands in
//! the stream, and a replay of the same frames meets the same states. Of one workflow's markers a lower
//! `state_no` after a higher one is late news and changes nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use contracts::v1;
use flow_engine::matcher::{Keyword, Matcher};
use flow_model::{AccountId, Channel, WorkflowId};

use super::port::CatalogEntry;

/// The catalog of all accounts, with its history.
#[derive(Debug, Default)]
pub struct Catalog {
    workflows: HashMap<WorkflowId, Vec<Version>>,
    triggers: HashMap<(AccountId, Channel), Triggers>,
}

#[derive(Debug)]
struct Version {
    seq: u64,
    marker: Arc<v1::CatalogMarker>,
}

/// Which workflows ever had a trigger on one channel of one account, and the places where any of them changed.
#[derive(Debug, Default)]
struct Triggers {
    workflows: BTreeSet<WorkflowId>,
    changes: Vec<u64>,
    built: Option<(u64, Arc<Matcher>)>,
}

impl Catalog {
    /// The catalog that these markers, in any order, lead to.
    pub fn from_entries(mut entries: Vec<CatalogEntry>) -> Self {
        entries.sort_by_key(|entry| (entry.seq, entry.marker.state_no));
        let mut catalog = Self::default();
        for entry in entries {
            catalog.apply(entry.seq, entry.marker);
        }
        catalog
    }

    /// Takes a marker in; one that was seen before changes nothing.
    pub fn apply(&mut self, seq: u64, marker: v1::CatalogMarker) {
        let (Ok(account), Ok(workflow)) =
            (AccountId::from_slice(&marker.account_id), WorkflowId::from_slice(&marker.workflow_id))
        else {
            tracing::error!(seq, "a catalog marker without ids was dropped");
            return;
        };
        let versions = self.workflows.entry(workflow).or_default();
        if versions.last().is_some_and(|last| last.marker.state_no >= marker.state_no) {
            return;
        }
        let before = versions.last().map(|last| last.marker.channels.clone()).unwrap_or_default();
        for name in marker.channels.iter().chain(&before) {
            let Ok(channel) = name.parse::<Channel>() else { continue };
            let triggers = self.triggers.entry((account, channel)).or_default();
            triggers.workflows.insert(workflow);
            triggers.changes.push(seq);
            triggers.built = None;
        }
        versions.push(Version { seq, marker: Arc::new(marker) });
    }

    /// A workflow as it stands for an input of frame `at`; none when no marker told of it yet.
    pub fn workflow(&self, workflow: WorkflowId, at: u64) -> Option<&v1::CatalogMarker> {
        version_at(self.workflows.get(&workflow)?, at)
    }

    /// The automaton of all keywords that are active on a channel for an input of frame `at`.
    pub fn matcher(&mut self, account: AccountId, channel: Channel, at: u64) -> Option<Arc<Matcher>> {
        let triggers = self.triggers.get_mut(&(account, channel))?;
        let change = triggers.changes.iter().rev().find(|&&change| change <= at).copied()?;
        if let Some((built_for, matcher)) = &triggers.built
            && *built_for == change
        {
            return Some(Arc::clone(matcher));
        }
        let workflows = &self.workflows;
        let keywords = triggers
            .workflows
            .iter()
            .filter_map(|workflow| Some((*workflow, version_at(workflows.get(workflow)?, at)?)))
            .flat_map(|(workflow, marker)| keywords_on(workflow, marker, channel))
            .collect();
        let matcher = Arc::new(Matcher::build(keywords));
        triggers.built = Some((change, Arc::clone(&matcher)));
        Some(matcher)
    }

    /// The automaton of one workflow's keywords alone.
    pub fn matcher_of(&self, workflow: WorkflowId, channel: Channel, at: u64) -> Option<Matcher> {
        let marker = self.workflow(workflow, at)?;
        Some(Matcher::build(keywords_on(workflow, marker, channel)))
    }

    /// Forgets states that no input after frame `applied_seq` can meet.
    pub fn forget_through(&mut self, applied_seq: u64) {
        for versions in self.workflows.values_mut() {
            let superseded = versions.iter().skip(1).take_while(|version| version.seq <= applied_seq).count();
            versions.drain(..superseded);
        }
        for triggers in self.triggers.values_mut() {
            let superseded = triggers.changes.iter().skip(1).take_while(|&&seq| seq <= applied_seq).count();
            triggers.changes.drain(..superseded);
        }
    }
}

fn version_at(versions: &[Version], at: u64) -> Option<&v1::CatalogMarker> {
    versions.iter().rev().find(|version| version.seq <= at).map(|version| version.marker.as_ref())
}

/// The keywords that can start this workflow over this channel: none unless it is active.
fn keywords_on(workflow: WorkflowId, marker: &v1::CatalogMarker, channel: Channel) -> Vec<Keyword> {
    if marker.status() != v1::WorkflowStatus::Active
        || !marker.channels.iter().any(|name| name == channel.as_str())
    {
        return Vec::new();
    }
    marker
        .keywords
        .iter()
        .map(|text| Keyword { text: text.clone(), workflow, activated_at_ms: marker.activated_at_ms })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn marker(workflow: WorkflowId, state_no: u64, status: v1::WorkflowStatus) -> v1::CatalogMarker {
        v1::CatalogMarker {
            account_id: AccountId::named("a").to_vec().into(),
            workflow_id: workflow.to_vec().into(),
            state_no,
            status: status.into(),
            revision: 1,
            channels: vec!["web".to_owned()],
            keywords: vec!["hi".to_owned()],
            activated_at_ms: 1,
            cancel_before_state_no: 0,
        }
    }

    fn finds(catalog: &mut Catalog, at: u64) -> bool {
        catalog
            .matcher(AccountId::named("a"), Channel::Web, at)
            .is_some_and(|matcher| matcher.find("hi").is_some())
    }

    #[test]
    fn an_input_meets_the_state_at_its_place_in_the_stream() {
        let workflow = WorkflowId::new(Uuid::from_u128(1));
        let mut catalog = Catalog::default();
        catalog.apply(5, marker(workflow, 1, v1::WorkflowStatus::Active));
        catalog.apply(9, marker(workflow, 2, v1::WorkflowStatus::Inactive));
        let found: Vec<bool> = [4, 5, 8, 9, 6].map(|at| finds(&mut catalog, at)).to_vec();
        assert_eq!(found, [false, true, true, false, true]);
    }

    #[test]
    fn late_news_change_nothing() {
        let workflow = WorkflowId::new(Uuid::from_u128(1));
        let mut catalog = Catalog::default();
        catalog.apply(5, marker(workflow, 2, v1::WorkflowStatus::Inactive));
        catalog.apply(6, marker(workflow, 1, v1::WorkflowStatus::Active));
        assert!(!finds(&mut catalog, 10));
    }

    #[test]
    fn forgetting_keeps_what_later_inputs_meet() {
        let workflow = WorkflowId::new(Uuid::from_u128(1));
        let mut catalog = Catalog::default();
        for (seq, state_no) in [(1, 1), (2, 2), (3, 3)] {
            let status =
                if state_no == 2 { v1::WorkflowStatus::Inactive } else { v1::WorkflowStatus::Active };
            catalog.apply(seq, marker(workflow, state_no, status));
        }
        catalog.forget_through(2);
        assert_eq!([2, 3].map(|at| finds(&mut catalog, at)), [false, true]);
    }
}
