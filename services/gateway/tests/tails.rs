//! Live tails: what is published comes, once and in order, to those whose it is, and goes on where it was.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::Gateway;
use crate::tailing::{About, LAYOUT, Publisher, listen, try_listen};
use bus::Topology;
use contracts::subject::EVENTS_STREAM;
use gateway::key::{ApiKey, Level};
use reqwest::Method;
use testkit::Api;

async fn other_account(gateway: &Gateway) -> Api {
    let key = ApiKey::generate();
    gateway.store.add_key("other", "test", Level::FullAccess, &key).await.unwrap();
    Api::new(&gateway.base, key.expose())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_comes_as_it_is_and_only_to_its_account() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let other = other_account(&gateway).await;
    let (mut ours, mut theirs) = (listen(&api, "", None).await, listen(&other, "", None).await);
    assert_eq!(ours.header("content-type"), "text/event-stream");
    assert_eq!(ours.header("cache-control"), "no-store");
    assert_eq!(ours.header("x-ratelimit-remaining"), "999");
    let mut default = Publisher::new(&gateway.bus, "default", 3);
    let mut others = Publisher::new(&gateway.bus, "other", 3);
    for number in 1..=3 {
        others.tell("message.sent", &[100 + number]).await;
        default.tell("message.received", &[number]).await;
    }
    others.tell("message.sent", &[104]).await;
    for number in 1..=3 {
        let event = ours.event().await;
        assert_eq!(
            (event.event.as_str(), &event.data["data"]["number"]),
            ("message.received", &number.into())
        );
        assert_eq!(event.data["specversion"], "1.0");
    }
    assert_eq!(theirs.numbers(4).await, [101, 102, 103, 104]);
    // Nothing of the others stands between the last event and this one.
    default.tell("message.received", &[4]).await;
    assert_eq!(ours.numbers(1).await, [4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_comes_again_misses_nothing_and_repeats_nothing() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let mut told = Publisher::new(&gateway.bus, "default", 3);
    let mut tail = listen(&api, "", None).await;
    let opened = tail.next().await.unwrap();
    for first in [1, 4, 7] {
        told.tell("message.sent", &[first, first + 1, first + 2]).await;
    }
    let mut ids = vec![opened.id.unwrap()];
    for number in 1..=9 {
        let event = tail.event().await;
        assert_eq!(event.data["data"]["number"], number);
        ids.push(event.id.unwrap());
    }
    drop(tail);
    told.tell("workflow.completed", &[10]).await;
    // After each of them, also between two events of one message.
    for (first, id) in (1..).zip(&ids) {
        let mut again = listen(&api, "", Some(id)).await;
        let expected: Vec<u64> = (first..=10).collect();
        assert_eq!(again.numbers(expected.len()).await, expected, "after {id}");
    }
    let mut by_query = listen(&api, &format!("?last_event_id={}", ids[9]), None).await;
    assert_eq!(by_query.numbers(1).await, [10]);
    // The header of who comes again is newer than the address.
    let mut both = listen(&api, &format!("?last_event_id={}", ids[1]), Some(&ids[8])).await;
    assert_eq!(both.numbers(2).await, [9, 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_again_comes_once() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let mut told = Publisher::new(&gateway.bus, "default", 3);
    let mut tail = listen(&api, "", None).await;
    for number in 1..=4 {
        told.tell("message.sent", &[number]).await;
    }
    told.tell_again(2).await;
    told.tell("message.sent", &[5]).await;
    assert_eq!(tail.numbers(5).await, [1, 2, 3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_leave_out_what_does_not_fit_all_of_them() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let mut told = Publisher::new(&gateway.bus, "default", 3);
    let (ann, bob) = (About::new("ann", "web"), About::new("bob", "voice"));
    let filters = [
        ("?type=message.sent,workflow.failed".to_owned(), vec![2, 4]),
        (format!("?conversation_id={}", ann.conversation), vec![1, 2]),
        (format!("?workflow_id={}", bob.workflow), vec![3, 4]),
        (format!("?execution_id={}", bob.execution), vec![3, 4]),
        ("?customer_id=ann".to_owned(), vec![1, 2]),
        ("?channel=voice".to_owned(), vec![3, 4]),
        ("?channel=voice&type=message.sent".to_owned(), vec![4]),
        ("?channel=voice&customer_id=ann".to_owned(), vec![]),
    ];
    let mut tails = Vec::new();
    for (filter, _) in &filters {
        tails.push(listen(&api, filter, None).await);
    }
    for (of, event_type, number) in [
        (&ann, "message.received", 1),
        (&ann, "message.sent", 2),
        (&bob, "message.received", 3),
        (&bob, "message.sent", 4),
    ] {
        told.tell_of(of, event_type, &[number]).await;
    }
    // Fits every filter, whatever it is, so nothing else came before it.
    for ((filter, mut expected), tail) in filters.into_iter().zip(&mut tails) {
        told.tell_fitting(&ann, &filter, 99).await;
        expected.push(99);
        let got = tail.numbers(expected.len()).await;
        assert_eq!(got, expected, "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_followed_is_refused_with_its_field() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    for (query, field) in [
        ("type=message.lost", "type"),
        ("type=", "type"),
        ("type=message.sent,", "type"),
        ("conversation_id=1", "conversation_id"),
        ("workflow_id=conversation-01a20acf-9cb2-767f-9572-1d0534001a8a", "workflow_id"),
        ("execution_id=x", "execution_id"),
        ("channel=fax", "channel"),
        ("customer_id=", "customer_id"),
        ("last_event_id=7", "last_event_id"),
        ("last_event_id=1-2-3-x", "last_event_id"),
        ("page=1", "page"),
    ] {
        let refused = api.get(&format!("/v1/events?{query}")).await.expect(400);
        assert_eq!(refused["error"]["code"], "INVALID_REQUEST", "{query}");
        assert_eq!(refused["error"]["field"], field, "{query}");
    }
    for id in ["nothing", "1-2-3-4-5", "é"] {
        let request = api.request(Method::GET, "/v1/events").header("last-event-id", id);
        let refused = api.send(request).await.expect(400);
        assert_eq!(refused["error"]["field"], "Last-Event-ID", "{id}");
    }
    let head = api.send(api.request(Method::HEAD, "/v1/events")).await;
    assert_eq!(
        (head.status, head.header("content-type"), head.header("etag")),
        (200, "text/event-stream", "")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_gone_is_told_and_the_oldest_that_is_kept_comes_first() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let mut told = Publisher::new(&gateway.bus, "default", 3);
    let mut tail = listen(&api, "", None).await;
    let start = tail.next().await.unwrap().id.unwrap();
    told.tell("message.sent", &[1]).await;
    assert_eq!(tail.numbers(1).await, [1]);
    gateway.bus.delete_stream(EVENTS_STREAM).await.unwrap();
    gateway.bus.ensure_topology(&Topology::default(), LAYOUT).await.unwrap();
    told.tell("message.sent", &[2]).await;
    // Who was there hears it, and so does who comes again with a place of the stream that is gone.
    let mut again = listen(&api, "", Some(&start)).await;
    for tail in [&mut tail, &mut again] {
        let gap = tail.event().await;
        assert_eq!((gap.event.as_str(), &gap.data["reason"]), ("gap", &"stream_made_again".into()));
        assert_eq!(tail.numbers(1).await, [2]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_the_stream_keeps_no_more_are_told_as_a_gap() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let mut told = Publisher::new(&gateway.bus, "default", 3);
    let mut tail = listen(&api, "", None).await;
    let start = tail.next().await.unwrap().id.unwrap();
    told.tell("message.sent", &[1]).await;
    let first = tail.event().await.id.unwrap();
    told.tell("message.sent", &[2, 3]).await;
    let second = tail.event().await.id.unwrap();
    // Messages of a mebibyte each push the first ones out of a stream of a mebibyte or so.
    let small = Topology { events_bytes_max: 1 << 20, ..Topology::default() };
    gateway.bus.ensure_topology(&small, LAYOUT).await.unwrap();
    told.tell_at_length(4).await;
    told.tell_at_length(5).await;
    for id in [start, first, second] {
        let mut again = listen(&api, "", Some(&id)).await;
        let gap = again.event().await;
        assert_eq!((gap.event.as_str(), &gap.data["reason"]), ("gap", &"expired".into()), "{id}");
        assert_eq!(again.numbers(1).await, [5]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_makes_a_tail_wait_and_say_so() {
    let mut gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let mut told = Publisher::new(&gateway.bus, "default", 3);
    let mut tail = listen(&api, "", None).await;
    told.tell("message.sent", &[1]).await;
    assert_eq!(tail.numbers(1).await, [1]);
    gateway.nats.kill();
    while !tail.next().await.unwrap().comments.iter().any(|said| said.starts_with("events pause")) {}
    let refused = api.get("/v1/events").await;
    assert_ne!(refused.header("retry-after"), "");
    refused.expect(503);
    gateway.nats.start_again().unwrap();
    testkit::eventually("the bus is there again", || async { gateway.bus.check().await.ok() }).await;
    // The runners tell again what the broker may have forgotten, then go on.
    told.tell_again(1).await;
    told.tell("message.sent", &[2]).await;
    assert_eq!(tail.numbers(1).await, [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_tail_lives_and_its_place_moves_on() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let mut tail = listen(&api, "?customer_id=nobody", None).await;
    let start = tail.next().await.unwrap().id.unwrap();
    let mut told = Publisher::new(&gateway.bus, "other", 3);
    told.tell("message.sent", &[1]).await;
    let alive = loop {
        let line = tail.next().await.unwrap();
        if line.comments.contains(&"alive".to_owned()) {
            break line;
        }
    };
    assert_ne!(alive.id.unwrap(), start);
    assert_eq!(alive.event, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn tails_are_bounded_and_a_place_is_free_again_when_a_caller_is_gone() {
    let database = Gateway::start().await.database_url.clone();
    let gateway = Gateway::on(&database, &["--event-tails-max", "12"]).await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let other = other_account(&gateway).await;
    let mut of_one = Vec::new();
    for _ in 0..10 {
        of_one.push(listen(&api, "", None).await);
    }
    let refused = api.get("/v1/events").await;
    assert_eq!(refused.header("retry-after"), "15");
    assert_eq!(refused.expect(503)["error"]["code"], "SERVICE_UNAVAILABLE");
    let of_other = [listen(&other, "", None).await, listen(&other, "", None).await];
    other.get("/v1/events").await.expect(503);
    drop(of_other);
    let again = testkit::eventually("there is a place again", || try_listen(&other, "", None));
    let mut told = Publisher::new(&gateway.bus, "other", 3);
    let mut again = again.await;
    told.tell("message.sent", &[1]).await;
    assert_eq!(again.numbers(1).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_does_not_wait_for_tails() {
    let mut gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let mut tail = listen(&api, "", None).await;
    tail.next().await.unwrap();
    gateway.stop().await;
    assert!(tail.next().await.is_none(), "the stream ends as a whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_pauses_gets_everything_when_it_goes_on() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let mut tail = listen(&api, "", None).await;
    let mut told = Publisher::new(&gateway.bus, "default", 3);
    // Far more than the sockets and the tail hold.
    for number in 1..=30 {
        told.tell_at_length(number).await;
    }
    assert_eq!(tail.numbers(30).await, (1..=30).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_the_broker_gave_to_another_message_makes_a_tail_read_again() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::ReadOnly).await;
    let mut tail = listen(&api, "", None).await;
    let mut told = Publisher::new(&gateway.bus, "default", 3);
    for number in 1..=3 {
        told.tell("message.sent", &[number]).await;
    }
    tail.numbers(2).await;
    let id = tail.event().await.id.unwrap();
    let (place, stamp) = id.rsplit_once('-').unwrap();
    let other = u32::from_str_radix(stamp, 16).unwrap() ^ 0x10;
    // That of a message that the broker has forgotten, and one beyond the end of the stream.
    let beyond = place.replace("-3-0", "-4-0");
    for id in [format!("{place}-{other:x}"), format!("{beyond}-{stamp}")] {
        let mut again = listen(&api, "", Some(&id)).await;
        let opened = [again.next().await.unwrap(), again.next().await.unwrap()];
        assert!(opened[1].comments[0].starts_with("the broker has forgotten"), "{opened:?}");
        assert_eq!(again.numbers(3).await, [1, 2, 3], "{id}");
    }
}
