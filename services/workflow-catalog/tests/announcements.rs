//! What the catalog tells the runners, and that it is told whatever happens.

use crate::support::{Catalog, GROUPS, eventually};
use contracts::subject::catalog;
use contracts::{ErrorCode, v1};
use workflow_catalog::store::SCHEMA;

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_stands_in_every_stream_before_it_is_answered() {
    let catalog = Catalog::start().await;
    let workflow = catalog.create("Greet").await;

    let active = catalog.activate(&workflow).await.unwrap();

    assert_eq!(active.status(), v1::WorkflowStatus::Active);
    assert!(active.activated_at_ms.is_some());
    for group in 0..GROUPS {
        let markers = catalog.markers(group).await;
        assert_eq!(markers.len(), 1, "group {group}");
        let marker = &markers[0];
        assert_eq!((marker.state_no, marker.status(), marker.revision), (1, v1::WorkflowStatus::Active, 1));
        assert_eq!(
            (marker.keywords.as_slice(), marker.channels.as_slice()),
            (&["hello".to_owned()][..], &["web".to_owned()][..])
        );
    }
    let definition = catalog.definition(&workflow, 1).await.unwrap();
    assert_eq!(definition.channel, "web");
}

#[tokio::test(flavor = "multi_thread")]
async fn activating_what_is_active_changes_nothing() {
    let catalog = Catalog::start().await;
    let workflow = catalog.create("Greet").await;
    let first = catalog.activate(&workflow).await.unwrap();
    let second = catalog.activate(&workflow).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(catalog.markers(0).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_an_active_workflow_is_told_and_another_name_is_not() {
    let catalog = Catalog::start().await;
    let workflow = catalog.create("Greet").await;
    catalog.activate(&workflow).await.unwrap();

    catalog.update(&workflow, &serde_json::json!({"name": "Another"}), "").await.unwrap();
    assert_eq!(catalog.markers(0).await.len(), 1);
    let mut configuration = crate::support::configuration();
    catalog.update(&workflow, &serde_json::json!({"configuration": configuration}), "").await.unwrap();
    assert_eq!(catalog.markers(0).await.len(), 1, "the same configuration is no new revision");
    configuration["trigger"]["keywords"] = serde_json::json!(["goodbye"]);
    let changed =
        catalog.update(&workflow, &serde_json::json!({"configuration": configuration}), "").await.unwrap();

    assert_eq!(changed.revision, 2);
    let told = catalog.markers(0).await;
    assert_eq!((told[1].state_no, told[1].revision, told[1].keywords[0].as_str()), (2, 2, "goodbye"));
    assert!(catalog.definition(&workflow, 2).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn deactivating_and_deleting_are_told_with_what_they_end() {
    let catalog = Catalog::start().await;
    let workflow = catalog.create("Greet").await;
    catalog.activate(&workflow).await.unwrap();
    catalog.deactivate(&workflow, false).await.unwrap();
    catalog.deactivate(&workflow, true).await.unwrap();
    catalog.delete(&workflow, "").await.unwrap();
    let told: Vec<_> = catalog
        .markers(0)
        .await
        .iter()
        .map(|marker| (marker.state_no, marker.status(), marker.cancel_before_state_no))
        .collect();
    assert_eq!(
        told,
        [
            (1, v1::WorkflowStatus::Active, 0),
            (2, v1::WorkflowStatus::Inactive, 0),
            (3, v1::WorkflowStatus::Inactive, 3),
            (4, v1::WorkflowStatus::Deleted, 4),
        ]
    );
    let gone = catalog.get(&workflow).await.unwrap_err();
    assert_eq!(gone.error_code(), ErrorCode::WorkflowNotFound);
    let definition = catalog
        .call::<_, v1::Definition>(
            catalog::DEFINITION,
            &v1::GetDefinitionRequest { workflow_id: workflow.clone(), revision: 1 },
        )
        .await;
    assert!(definition.is_ok(), "conversations may still be in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_made_again_is_told_everything_again() {
    let catalog = Catalog::start().await;
    let workflow = catalog.create("Greet").await;
    catalog.create("Draft").await;
    catalog.activate(&workflow).await.unwrap();

    catalog.make_streams_again().await;

    eventually("every stream is told again", || async {
        catalog.markers(0).await.len() == 1 && catalog.markers(1).await.len() == 1
    })
    .await;
    assert!(catalog.definition(&workflow, 1).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_told_is_told_later() {
    let catalog = Catalog::start().await;
    let workflow = catalog.create("Greet").await;
    // The streams are missing, so that the change is committed and cannot be told.
    catalog.remove_streams().await;
    let refused = catalog.activate(&workflow).await.unwrap_err();
    assert_eq!(refused.error_code(), ErrorCode::ServiceUnavailable);
    assert_eq!(catalog.get(&workflow).await.unwrap().status(), v1::WorkflowStatus::Active);

    catalog.set_streams_up().await;

    eventually("it is told", || async { catalog.markers(0).await.len() == 1 }).await;
    catalog.activate(&workflow).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn workflows_that_cannot_be_told_do_not_hide_the_others() {
    let catalog = Catalog::start().await;
    // More than are looked up at once, with lower ids, and without a revision that could be told.
    let sql = pg::raw::connect(&pg::PgConfig::for_url(&catalog.database_url), SCHEMA).await.unwrap();
    let broken = "INSERT INTO workflows (id, account_id, name, name_key, description, search_text, channel, status, revision, state_no,
            state_changed_at, created_at, updated_at, activated_at)
        SELECT lpad(to_hex(n), 32, '0')::uuid, gen_random_uuid(), 'broken', 'broken', '', '', 'web', 2, 1, 1,
            now() - interval '1 hour', now(), now(), now() FROM generate_series(1, 250) AS n";
    sql.execute(broken, &[]).await.unwrap();
    let workflow = catalog.create("Greet").await;
    catalog.activate(&workflow).await.unwrap();

    catalog.make_streams_again().await;

    eventually("the other is told again", || async {
        catalog.markers(0).await.len() == 1 && catalog.markers(1).await.len() == 1
    })
    .await;
}
