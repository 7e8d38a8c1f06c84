//! A customer's message on its way through the whole product.

use crate::support::Product;
use gateway::key::Level;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Api, eventually, workflows};

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_through_form_condition_and_set_is_on_record_field_by_field() {
    let mut product = Product::start().await;
    let api = &product.api;
    let workflow = api.run(&workflows::survey("Survey", "start")).await;

    let turns = [
        api.say("ann", "please START now").await,
        api.say("ann", "Ann").await,
        api.say("ann", "not a number").await,
        api.say("ann", "42").await,
        api.say("ann", "and now?").await,
    ];

    let said: Vec<&Value> = turns.iter().map(|turn| &turn["execution"]["output"]["messages"]).collect();
    assert_eq!(said[0], &json!(["What is your name?"]));
    assert_eq!(said[1], &json!(["How old are you, Ann?"]));
    assert_eq!(said[2].as_array().unwrap().len(), 1, "asked again with a reason");
    assert_eq!(said[3], &json!(["Dear Ann, welcome"]));
    assert_eq!(turns[4]["execution"], Value::Null);
    assert_eq!(turns[4]["reason"], "no_matching_workflow");
    let next: Vec<&Value> =
        turns[..4].iter().map(|turn| &turn["execution"]["output"]["next_action"]).collect();
    assert_eq!(next, ["wait_for_input", "wait_for_input", "wait_for_input", "none"]);

    let last = &turns[3]["execution"];
    let id = last["id"].as_str().unwrap();
    let read = api.get(&format!("/v1/workflows/{workflow}/executions/{id}")).await.expect(200);
    assert_eq!(&read["data"], last, "what the caller heard is what is on record");
    assert_eq!(last["workflow_id"], workflow.as_str());
    assert_eq!(last["status"], "success");
    assert_eq!(last["customer_id"], "ann");
    assert_eq!(last["channel"], "web");
    assert_eq!(last["input"], json!({"message": "42"}));
    assert_eq!(last["conversation_id"], turns[0]["conversation_id"]);
    assert_eq!(last["message_id"], turns[3]["message_id"]);
    let steps: Vec<(&Value, &Value, &Value)> = last["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (&step["node_id"], &step["type"], &step["status"]))
        .collect();
    let done = |node: &str, kind: &str| (json!(node), json!(kind), json!("completed"));
    let expected =
        [done("ask", "form"), done("remember", "set"), done("check", "condition"), done("adult", "message")];
    assert_eq!(steps, expected.iter().map(|(node, kind, status)| (node, kind, status)).collect::<Vec<_>>());
    assert_eq!(last["steps"][0]["output"]["fields"], json!({"name": "Ann", "age": 42}));
    assert_eq!(last["steps"][1]["output"]["values"], json!({"greeting": "Dear Ann"}));
    assert_eq!(last["steps"][2]["output"]["matched"], 0);
    assert_eq!(last["steps"][3]["output"]["message_sent"], "Dear Ann, welcome");
    for step in last["steps"].as_array().unwrap() {
        assert_eq!(step["input"], json!({"message": "42"}));
        assert!(step["duration_ms"].as_i64().unwrap() >= 0);
        assert!(step["started_at"].as_str() >= last["started_at"].as_str());
        assert!(step["completed_at"].as_str() <= last["completed_at"].as_str());
    }

    let listed = api.get(&format!("/v1/workflows/{workflow}/executions")).await.expect(200);
    let ids: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    let newest_first: Vec<&Value> = turns[..4].iter().rev().map(|turn| &turn["execution"]["id"]).collect();
    assert_eq!(ids, newest_first);
    assert_eq!(
        listed["pagination"],
        json!({"page": 1, "limit": 20, "total": 4, "pages": 1, "next_cursor": null})
    );
    let full = api.get(&format!("/v1/workflows/{workflow}/executions?limit=4")).await.expect(200);
    assert_eq!((&full["data"], &full["pagination"]["next_cursor"]), (&listed["data"], &Value::Null));
    let shown = api.get(&format!("/v1/workflows/{workflow}")).await.expect(200);
    assert_eq!((&shown["data"]["execution_count"], &shown["data"]["success_rate"]), (&json!(4), &json!(1.0)));
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_sent_32_times_at_once_and_after_a_restart_is_one_execution() {
    let mut product = Product::start().await;
    let workflow = product.api.run(&workflows::greet("Greet", "hello")).await;
    let send = async |api: Api| {
        let body = json!({"customer_id": "ann", "channel": "web", "message": "hello", "message_id": "m-1"});
        let request = api.request(Method::POST, "/v1/messages").header("prefer", "wait=30").json(&body);
        api.send(request).await.expect(200)["data"]["execution"]["id"].as_str().unwrap().to_owned()
    };

    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..32 {
        sending.spawn(send(product.api.clone()));
    }
    let mut ids = sending.join_all().await;
    product.restart().await;
    ids.push(send(product.api.clone()).await);

    ids.dedup();
    assert_eq!(ids.len(), 1);
    let listed = product.api.get(&format!("/v1/workflows/{workflow}/executions")).await.expect(200);
    assert_eq!(listed["pagination"]["total"], 1);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_mid_conversation_does_not_change_the_conversation() {
    let mut product = Product::start().await;
    let api = &product.api;
    let survey = workflows::survey("Survey", "start");
    let workflow = api.run(&survey).await;
    api.say("ann", "start").await;
    let mut edited = survey["configuration"].clone();
    edited["nodes"][0]["fields"] =
        json!([{"name": "city", "type": "text", "required": true, "label": "Which city?"}]);
    api.put(&format!("/v1/workflows/{workflow}"), &json!({"configuration": edited})).await.expect(200);

    let of_ann = api.say("ann", "Ann").await;
    let of_bob = api.say("bob", "start").await;

    assert_eq!(of_ann["execution"]["output"]["response"], "How old are you, Ann?");
    assert_eq!(of_ann["execution"]["revision"], 1);
    assert_eq!(of_bob["execution"]["output"]["response"], "Which city?");
    assert_eq!(of_bob["execution"]["revision"], 2);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_is_met_by_the_next_message_through_another_gateway() {
    let mut product = Product::start().await;
    let other = product.gateway().await;
    let workflow = product.api.create(&workflows::greet("Greet", "hello")).await;
    for round in 0..200 {
        product.api.activate(&workflow).await;
        let started = other.say(&format!("c{round}"), "hello").await;
        assert_eq!(started["execution"]["workflow_id"], workflow.as_str(), "round {round}");
        let path = format!("/v1/workflows/{workflow}/deactivate");
        other.post(&path, &json!({})).await.expect(200);
        let ignored = product.api.say(&format!("c{round}"), "hello").await;
        assert_eq!(ignored["reason"], "no_matching_workflow", "round {round}");
    }
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_workflow_is_gone_and_its_waiting_conversations_with_it() {
    let mut product = Product::start().await;
    let api = &product.api;
    let workflow = api.run(&workflows::survey("Survey", "start")).await;
    let message = json!({"customer_id": "ann", "channel": "web", "message": "start", "message_id": "m-1"});
    let send = async || {
        let request = api.request(Method::POST, "/v1/messages").header("prefer", "wait=30").json(&message);
        api.send(request).await.expect(200)["data"].clone()
    };
    let execution = send().await["execution"]["id"].as_str().unwrap().to_owned();
    assert_eq!(send().await["execution"]["id"], execution.as_str(), "sent again");

    let deleted = api.delete(&format!("/v1/workflows/{workflow}")).await.expect(200);

    assert_eq!(deleted, json!({"message": "Workflow deleted successfully"}));
    let path = format!("/v1/workflows/{workflow}");
    for below in ["", "/executions", "/metrics", &format!("/executions/{execution}")] {
        let gone = api.get(&format!("{path}{below}")).await.expect(404);
        assert_eq!(gone["error"]["code"], "WORKFLOW_NOT_FOUND", "{below}");
    }
    let shown = api.get("/v1/messages/m-1?channel=web&customer_id=ann").await.expect(200)["data"].clone();
    for told in [send().await, shown] {
        assert_eq!((&told["status"], &told["reason"]), (&json!("handled"), &json!("workflow_deleted")));
        assert!(!told.to_string().contains(&execution) && !told.to_string().contains(&workflow), "{told}");
    }
    assert_eq!(api.say("ann", "Ann").await["reason"], "no_matching_workflow");
    api.create(&workflows::survey("Survey", "start")).await;
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_start_respects_what_the_conversation_waits_in() {
    let mut product = Product::start().await;
    let api = &product.api;
    let survey = api.run(&workflows::survey("Survey", "start")).await;
    let greet = api.run(&workflows::greet("Greet", "hello")).await;
    api.say("ann", "start").await;
    let path = format!("/v1/workflows/{greet}/executions");
    let start = |customer: &str, replace: bool| json!({"customer_id": customer, "input": {"message": "hi"}, "replace": replace});

    assert_eq!(api.post(&path, &start("ann", false)).await.expect(409)["error"]["code"], "CONFLICT");
    api.post(&path, &start("bob", false)).await.expect(202);
    let request = api.request(Method::POST, &path).header("prefer", "wait=30").json(&start("ann", true));
    let replaced = api.send(request).await.expect(200);
    assert_eq!(replaced["data"]["output"]["messages"], json!(["Hi ann", "You said: hi"]));
    assert_eq!(api.say("ann", "Ann").await["reason"], "no_matching_workflow");
    api.post(&format!("/v1/workflows/{survey}/deactivate"), &json!({})).await.expect(200);
    let path = format!("/v1/workflows/{survey}/executions");
    assert_eq!(api.post(&path, &start("cid", false)).await.expect(409)["error"]["code"], "CONFLICT");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_fails_is_on_record_with_its_reason() {
    let mut product = Product::start().await;
    let api = &product.api;
    let workflow = api
        .run(&json!({"name": "Not yet", "channel": "web", "configuration": {
        "trigger": {"type": "message", "keywords": ["help"]},
        "nodes": [
            {"id": "hi", "type": "message", "content": "One moment", "next": "wait"},
            {"id": "wait", "type": "condition", "branches": [{"when": "vars.nothing > 1", "next": "hi"}]}
        ]}}))
        .await;

    let failed = api.say("ann", "help").await["execution"].clone();

    assert_eq!(failed["status"], "failed");
    assert_eq!(
        (&failed["error"]["code"], &failed["error"]["node_id"]),
        (&json!("EXPRESSION_FAILED"), &json!("wait"))
    );
    assert_eq!(failed["output"]["messages"], json!(["One moment"]));
    let path = format!("/v1/workflows/{workflow}/executions");
    let request = api
        .request(Method::POST, &path)
        .header("prefer", "wait=30")
        .json(&json!({"customer_id": "bob", "input": {"message": "x"}}));
    assert_eq!(api.send(request).await.expect(500)["error"]["code"], "WORKFLOW_EXECUTION_FAILED");
    let listed = api.get(&format!("{path}?status=failed")).await.expect(200);
    assert_eq!(listed["pagination"]["total"], 2);
    assert_eq!(
        api.get(&format!("/v1/workflows/{workflow}")).await.expect(200)["data"]["success_rate"],
        json!(0.0)
    );
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_walls_and_levels_are_kept() {
    let mut product = Product::start().await;
    let workflow = product.api.run(&workflows::greet("Greet", "hello")).await;
    let stranger = product.key_of("stranger", Level::FullAccess).await;
    let reader = product.key_of("default", Level::ReadOnly).await;
    let writer = product.key_of("default", Level::ReadWrite).await;
    let path = format!("/v1/workflows/{workflow}");

    assert_eq!(stranger.get(&path).await.expect(404)["error"]["code"], "WORKFLOW_NOT_FOUND");
    assert_eq!(stranger.get("/v1/workflows").await.expect(200)["pagination"]["total"], 0);
    assert_eq!(stranger.say("ann", "hello").await["reason"], "no_matching_workflow");
    stranger.delete(&path).await.expect(404);

    reader.get(&path).await.expect(200);
    assert_eq!(reader.post("/v1/workflows", &json!({})).await.expect(403)["error"]["code"], "FORBIDDEN");
    let message = json!({"customer_id": "a", "channel": "web", "message": "hello"});
    reader.post("/v1/messages", &message).await.expect(403);
    writer.post("/v1/messages", &message).await.expect(202);
    writer.delete(&path).await.expect(403);
    product.api.delete(&path).await.expect(200);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_message_can_be_asked() {
    let mut product = Product::start().await;
    let api = &product.api;
    let workflow = api.run(&workflows::greet("Greet", "hello")).await;
    let send = |id: &str, text: &str| json!({"customer_id": "ann", "channel": "web", "message": text, "message_id": id});
    let path = |id: &str| format!("/v1/messages/{id}?channel=web&customer_id=ann");
    api.post("/v1/messages", &send("m-1", "hello")).await.expect(202);
    api.post("/v1/messages", &send("m-2", "nothing")).await.expect(202);
    let handled = eventually("the message is handled", || async {
        let data = api.get(&path("m-1")).await.expect(200)["data"].clone();
        (data["status"] == "handled").then_some(data)
    })
    .await;
    assert_eq!(handled["workflow_id"], workflow.as_str());
    let ignored = eventually("the message is ignored", || async {
        let data = api.get(&path("m-2")).await.expect(200)["data"].clone();
        (data["status"] == "ignored").then_some(data)
    })
    .await;
    assert_eq!(ignored["reason"], "no_matching_workflow");
    assert_eq!(api.get(&path("m-3")).await.expect(404)["error"]["code"], "MESSAGE_NOT_FOUND");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_workflows_are_filtered_searched_and_paged() {
    let mut product = Product::start().await;
    let api = &product.api;
    for n in 0..25 {
        api.create(&workflows::greet(&format!("Flow {n:02} Äpfel"), "hello")).await;
    }
    let active = api.run(&workflows::greet("100% active_", "hello")).await;
    let list = async |query: &str| api.get(&format!("/v1/workflows{query}")).await.expect(200);

    let all = list("?limit=10&page=3").await;
    assert_eq!(all["pagination"]["total"], 26);
    assert_eq!(all["data"].as_array().unwrap().len(), 6);
    assert_eq!(list("?status=active").await["data"][0]["id"], active.as_str());
    assert_eq!(list("?status=draft").await["pagination"]["total"], 25);
    assert_eq!(list("?search=%C3%A4PFEL").await["pagination"]["total"], 25);
    assert_eq!(list("?search=0%25").await["pagination"]["total"], 1);
    assert_eq!(list("?search=e_").await["pagination"]["total"], 1);
    assert_eq!(list("?channel=voice").await["pagination"]["total"], 0);
    assert_eq!(list("?page=99").await["data"], json!([]));
    let full = list("?limit=13&page=2").await;
    assert_eq!(
        (full["data"].as_array().unwrap().len(), &full["pagination"]["next_cursor"]),
        (13, &Value::Null)
    );
    let cursor = list("?limit=7").await["pagination"]["next_cursor"].as_str().unwrap().to_owned();
    for other in
        ["/v1/workflows?status=draft".to_owned(), format!("/v1/workflows/{active}/executions?limit=7")]
    {
        let refused = api.get(&format!("{other}&cursor={cursor}")).await.expect(400);
        assert_eq!(refused["error"]["field"], "cursor", "{other}");
    }
    let mut names = Vec::new();
    let mut query = "?limit=7".to_owned();
    loop {
        let page = list(&query).await;
        names.extend(
            page["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["pagination"]["next_cursor"].as_str() else { break };
        query = format!("?limit=7&cursor={cursor}");
    }
    assert_eq!(names.len(), 26);
    assert_eq!((names[0].as_str(), names[1].as_str()), ("100% active_", "Flow 24 Äpfel"));
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_guard_against_lost_updates() {
    let mut product = Product::start().await;
    let api = &product.api;
    let workflow = api.create(&workflows::greet("Greet", "hello")).await;
    let path = format!("/v1/workflows/{workflow}");
    let etag = api.get(&path).await.header("etag").to_owned();
    let put = |etag: &str, name: &str| {
        api.request(Method::PUT, &path).header("if-match", etag).json(&json!({"name": name}))
    };

    api.send(put(&etag, "First")).await.expect(200);
    assert_eq!(api.send(put(&etag, "Second")).await.expect(412)["error"]["code"], "PRECONDITION_FAILED");
    api.send(api.request(Method::DELETE, &path).header("if-match", &etag)).await.expect(412);
    api.send(put("*", "Third")).await.expect(200);
    let shown = api.get(&path).await;
    assert_eq!(shown.body["data"]["name"], "Third");
    let delete = api.request(Method::DELETE, &path).header("if-match", "\"x\"");
    api.send(delete.header("if-match", shown.header("etag"))).await.expect(200);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_told_whether_anything_has_changed() {
    let mut product = Product::start().await;
    let api = &product.api;
    let workflow = api.run(&workflows::greet("Greet", "hello")).await;
    let path = format!("/v1/workflows/{workflow}");
    let execution = api.say("ann", "hello").await["execution"]["id"].as_str().unwrap().to_owned();
    let reads = [path.clone(), format!("{path}/executions"), format!("{path}/executions/{execution}")];
    let changed = async |path: &str, etag: &str| {
        api.send(api.request(Method::GET, path).header("if-none-match", etag)).await.status == 200
    };

    let mut etags = Vec::new();
    for path in &reads {
        etags.push(api.get(path).await.header("etag").to_owned());
    }
    assert!(etags[0].starts_with('"') && etags[1..].iter().all(|etag| etag.starts_with("W/\"")), "{etags:?}");
    for (path, etag) in reads.iter().zip(&etags) {
        assert!(!changed(path, etag).await, "{path}");
    }
    api.say("ann", "hello").await;
    for (path, etag) in reads.iter().zip(&etags) {
        let stays = path.ends_with(&execution);
        assert_eq!(changed(path, etag).await, !stays, "{path}: there is one more execution");
    }
    // Numbers are no version: what was read may still be changed.
    let put = api.request(Method::PUT, &path).header("if-match", &etags[0]);
    api.send(put.json(&json!({"name": "Greeting"}))).await.expect(200);
    product.stop().await;
}
