//! Workflows and their rules, over the bus.

use crate::support::{Catalog, workflow};
use contracts::{ErrorCode, subject::catalog, v1};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_is_read_as_it_was_written() {
    let catalog = Catalog::start().await;
    let workflow = catalog.create("Greet").await;
    let read = catalog.get(&workflow).await.unwrap();
    assert_eq!((read.name.as_str(), read.status(), read.revision), ("Greet", v1::WorkflowStatus::Draft, 1));
    assert_eq!(read.configuration_json, serde_json::to_vec(&crate::support::configuration()).unwrap());
    assert_eq!(read.created_at_ms, read.updated_at_ms);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_problems_are_told_at_once() {
    let catalog = Catalog::start().await;
    let body = json!({"channel": "fax", "configuration": {"trigger": {"type": "api"}, "nodes": [
        {"id": "c", "type": "condition", "branches": [{"when": "1 +", "next": "x"}]}]}});
    let refused = catalog.try_create(&body).await.unwrap_err();
    let told: Vec<(&str, &str)> =
        refused.errors.iter().map(|problem| (problem.code.as_str(), problem.field.as_str())).collect();
    assert_eq!(
        told,
        [
            ("INVALID_REQUEST", "channel"),
            ("INVALID_NODE_CONFIG", "configuration.nodes[0].branches[0].when"),
            ("MISSING_REQUIRED_FIELD", "name"),
        ]
    );
    assert_eq!((refused.code.as_str(), refused.field.as_str()), ("INVALID_REQUEST", "channel"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_want_a_name_at_once_one_gets_it() {
    let catalog = std::sync::Arc::new(Catalog::start().await);
    let mut creating = tokio::task::JoinSet::new();
    for n in 0..16 {
        let catalog = std::sync::Arc::clone(&catalog);
        let name = if n % 2 == 0 { "Same name" } else { "  same NAME " };
        creating.spawn(async move { catalog.try_create(&crate::support::workflow(name)).await });
    }
    let results = creating.join_all().await;
    let refused: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert_eq!(refused.len(), 15);
    assert!(
        refused.iter().all(
            |failure| failure.error_code() == ErrorCode::WorkflowAlreadyExists && failure.field == "name"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_compared_and_found_whatever_their_case() {
    let catalog = Catalog::start().await;
    catalog.create("Straße").await;
    let refused = catalog.try_create(&crate::support::workflow("STRASSE")).await.unwrap_err();
    assert_eq!((refused.error_code(), refused.field.as_str()), (ErrorCode::WorkflowAlreadyExists, "name"));
    for (search, total) in [("strasse", 1), ("STRAẞE", 1), ("raß", 1), ("stra e", 0)] {
        let request = v1::ListWorkflowsRequest {
            account_id: catalog.account.to_vec().into(),
            page: 1,
            limit: 10,
            search: search.to_owned(),
            ..v1::ListWorkflowsRequest::default()
        };
        let found: v1::ListWorkflowsResponse = catalog.call(catalog::LIST, &request).await.unwrap();
        assert_eq!(found.total, total, "{search}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_accounts_workflow_is_not_there() {
    let catalog = Catalog::start().await;
    let workflow = catalog.create("Greet").await;
    let request = v1::GetWorkflowsRequest { account_id: vec![9; 16].into(), workflow_ids: vec![workflow] };
    let found: v1::GetWorkflowsResponse = catalog.call(catalog::GET, &request).await.unwrap();
    assert_eq!(found, v1::GetWorkflowsResponse::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workflows_are_read_at_once_as_many_as_fit_into_an_answer() {
    let catalog = Catalog::start().await;
    let mut ids = Vec::new();
    for name in ["One", "Two", "Three"] {
        let mut large = workflow(name);
        let node = |n| json!({"id": format!("n{n}"), "type": "message", "content": "x".repeat(4000)});
        large["configuration"]["nodes"] = (0..60).map(node).collect();
        ids.push(catalog.try_create(&large).await.unwrap().id);
    }
    let small = catalog.create("Small").await;
    let missing = vec![7; 16].into();
    let wanted = vec![ids[2].clone(), missing, ids[0].clone(), small.clone(), ids[1].clone()];
    let found = catalog.get_many(wanted).await.unwrap();
    let names: Vec<&str> = found.workflows.iter().map(|workflow| workflow.name.as_str()).collect();
    assert_eq!(names, ["Three", "One"]);
    assert!(found.workflows.iter().all(|workflow| workflow.configuration_json.len() > 240_000));
    assert_eq!(found.left_out, [small.clone(), ids[1].clone()]);
    let rest = catalog.get_many(found.left_out).await.unwrap();
    assert_eq!((rest.workflows.len(), rest.left_out.len()), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_the_current_one_is_refused() {
    let catalog = Catalog::start().await;
    let workflow = catalog.create("Greet").await;
    let etag = catalog.get(&workflow).await.unwrap().etag;
    let changed = catalog.update(&workflow, &json!({"description": "x"}), &etag).await.unwrap();
    assert_ne!(changed.etag, etag);
    let refused = catalog.update(&workflow, &json!({"description": "y"}), &etag).await.unwrap_err();
    assert_eq!(refused.error_code(), ErrorCode::PreconditionFailed);
    let refused = catalog.delete(&workflow, &etag).await.unwrap_err();
    assert_eq!(refused.error_code(), ErrorCode::PreconditionFailed);
    catalog.delete(&workflow, &format!("\"x\", {}", changed.etag)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_cannot_be_deactivated() {
    let catalog = Catalog::start().await;
    let workflow = catalog.create("Greet").await;
    assert_eq!(catalog.deactivate(&workflow, false).await.unwrap_err().error_code(), ErrorCode::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_cursors_give_every_workflow_once() {
    let catalog = Catalog::start().await;
    for n in 0..23 {
        catalog.create(&format!("Flow {n}")).await;
    }
    let request = v1::ListWorkflowsRequest {
        account_id: catalog.account.to_vec().into(),
        page: 1,
        limit: 10,
        ..v1::ListWorkflowsRequest::default()
    };
    let list = async |request: v1::ListWorkflowsRequest| {
        catalog.call::<_, v1::ListWorkflowsResponse>(catalog::LIST, &request).await
    };
    let mut by_page = Vec::new();
    for page in 1..=4 {
        let found = list(v1::ListWorkflowsRequest { page, ..request.clone() }).await.unwrap();
        assert_eq!(found.total, 23);
        by_page.extend(found.workflows.into_iter().map(|workflow| workflow.name));
    }
    let mut by_cursor = Vec::new();
    let mut cursor = String::new();
    loop {
        let found =
            list(v1::ListWorkflowsRequest { cursor: cursor.clone(), ..request.clone() }).await.unwrap();
        by_cursor.extend(found.workflows.into_iter().map(|workflow| workflow.name));
        cursor = found.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    for (page, limit) in [(1, 23), (23, 1)] {
        let full = list(v1::ListWorkflowsRequest { page, limit, ..request.clone() }).await.unwrap();
        assert_eq!(
            (full.workflows.len(), full.next_cursor.as_str()),
            (limit as usize, ""),
            "a full last page"
        );
    }
    let newest_first: Vec<String> = (0..23).rev().map(|n| format!("Flow {n}")).collect();
    assert_eq!(by_page, newest_first);
    assert_eq!(by_cursor, newest_first);
    let refused = list(v1::ListWorkflowsRequest { cursor: "zz".to_owned(), ..request.clone() }).await;
    assert_eq!(refused.unwrap_err().field, "cursor");
    let cursor = list(request.clone()).await.unwrap().next_cursor;
    let other = v1::ListWorkflowsRequest { cursor, channel: "web".to_owned(), ..request };
    assert_eq!(list(other).await.unwrap_err().field, "cursor", "a cursor is for the list that gave it");
}
