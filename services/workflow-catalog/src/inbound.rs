//! Requests of other services, over the NATS services API.

mod knowledge;

use std::sync::Arc;

use bus::rpc::{RunningServer, Server};
use bus::{Bus, Unavailable};
use contracts::subject::catalog;
use contracts::v1;
use flow_model::WorkflowId;
use platform::clock;

use crate::store::{StateChange, Store};
use crate::usecase::announce::Announcer;
use crate::usecase::change::change;
use crate::usecase::create::create;
use crate::usecase::definition::definition;
use crate::usecase::knowledge::meaning::Meaning;
use crate::usecase::list::list;
use crate::usecase::read::get;
use crate::usecase::secrets;
use crate::usecase::update::update;
use crate::usecase::validate::validate;

/// Offers all endpoints.
pub(crate) async fn serve(
    bus: &Bus,
    store: Store,
    meaning: &Meaning,
    announcer: Arc<Announcer>,
) -> Result<RunningServer, Unavailable> {
    let catalog = Catalog { store, announcer };
    let server = reads(Server::new(bus, "workflow-catalog"), &catalog);
    let server = knowledge::documents(knowledge::bases(server, &catalog.store, meaning), &catalog.store);
    let server = changes(server, &catalog);
    of_secrets(server, &catalog).start().await
}

#[derive(Clone)]
struct Catalog {
    store: Store,
    announcer: Arc<Announcer>,
}

fn reads(server: Server, catalog: &Catalog) -> Server {
    let (one, many, revisions) = (catalog.clone(), catalog.clone(), catalog.clone());
    let validates = catalog.clone();
    server
        .handle(catalog::GET, move |request: v1::GetWorkflowsRequest| {
            let catalog = one.clone();
            async move { get(&catalog.store, request).await }
        })
        .handle(catalog::LIST, move |request: v1::ListWorkflowsRequest| {
            let catalog = many.clone();
            async move { list(&catalog.store, request).await }
        })
        .handle(catalog::VALIDATE, move |request: v1::ValidateWorkflowRequest| {
            let catalog = validates.clone();
            async move { validate(&catalog.store, request).await }
        })
        .handle(catalog::DEFINITION, move |request: v1::GetDefinitionRequest| {
            let catalog = revisions.clone();
            async move { definition(&catalog.store, request).await }
        })
}

fn changes(server: Server, catalog: &Catalog) -> Server {
    let (creates, updates, activates) = (catalog.clone(), catalog.clone(), catalog.clone());
    let (deactivates, deletes) = (catalog.clone(), catalog.clone());
    server
        .handle(catalog::CREATE, move |request: v1::CreateWorkflowRequest| {
            let catalog = creates.clone();
            async move {
                let id = WorkflowId::new(clock::new_uuid_v7());
                create(&catalog.store, request, id, clock::now()).await
            }
        })
        .handle(catalog::UPDATE, move |request: v1::UpdateWorkflowRequest| {
            let catalog = updates.clone();
            async move { update(&catalog.store, &catalog.announcer, request, clock::now()).await }
        })
        .handle(catalog::ACTIVATE, move |request: v1::ActivateWorkflowRequest| {
            let catalog = activates.clone();
            async move {
                let which = (&*request.account_id, &*request.workflow_id);
                catalog.change(which, StateChange::Activate, String::new()).await
            }
        })
        .handle(catalog::DEACTIVATE, move |request: v1::DeactivateWorkflowRequest| {
            let catalog = deactivates.clone();
            async move {
                let which = (&*request.account_id, &*request.workflow_id);
                let to = StateChange::Deactivate { cancel: request.cancel_waiting };
                catalog.change(which, to, String::new()).await
            }
        })
        .handle(catalog::DELETE, move |request: v1::DeleteWorkflowRequest| {
            let catalog = deletes.clone();
            async move {
                let which = (&*request.account_id, &*request.workflow_id);
                let gone = catalog.change(which, StateChange::Delete, request.if_match.clone()).await;
                gone.map(|_| v1::DeleteWorkflowResponse {})
            }
        })
}

fn of_secrets(server: Server, catalog: &Catalog) -> Server {
    let (puts, lists, gets, deletes) = (catalog.clone(), catalog.clone(), catalog.clone(), catalog.clone());
    server
        .handle(catalog::PUT_SECRET, move |request: v1::PutSecretRequest| {
            let catalog = puts.clone();
            async move { secrets::put(&catalog.store, request, clock::now()).await }
        })
        .handle(catalog::LIST_SECRETS, move |request: v1::ListSecretsRequest| {
            let catalog = lists.clone();
            async move { secrets::list(&catalog.store, request).await }
        })
        .handle(catalog::GET_SECRETS, move |request: v1::GetSecretsRequest| {
            let catalog = gets.clone();
            async move { secrets::sealed(&catalog.store, request).await }
        })
        .handle(catalog::DELETE_SECRET, move |request: v1::DeleteSecretRequest| {
            let catalog = deletes.clone();
            async move { secrets::delete(&catalog.store, request).await }
        })
}

impl Catalog {
    async fn change(
        &self,
        which: (&[u8], &[u8]),
        to: StateChange,
        if_match: String,
    ) -> Result<v1::Workflow, v1::Failure> {
        change(&self.store, &self.announcer, which, to, if_match, clock::now()).await
    }
}
