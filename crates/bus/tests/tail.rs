//! Tails of the stream of events: one account's messages, in order, and nothing after a doubt.

use crate::support::Broker;
use bus::publish::Outgoing;
use bus::tail::{Tail, extent, stamp_at};
use contracts::subject;
use flow_model::AccountId;

fn message(account: &str, event_type: &str, text: &str) -> Outgoing {
    Outgoing {
        subject: subject::events(AccountId::named(account), event_type),
        headers: Vec::new(),
        payload: text.to_owned().into(),
    }
}

fn all_of(account: &str) -> Vec<String> {
    vec![subject::events(AccountId::named(account), ">")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_gives_what_stands_under_its_subjects_in_order() {
    let Broker { bus, nats: _nats } = Broker::start().await;
    let texts = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    for text in texts {
        bus.publish_all(&[message("one", "message.sent", text), message("two", "message.sent", "x")])
            .await
            .unwrap();
    }
    let mut tail = Tail::open(&bus, &all_of("one"), 5).await.unwrap();
    assert!(!tail.has_all().await.unwrap());
    for text in &texts[2..] {
        let message = tail.next().await.unwrap();
        assert_eq!(message.payload, text.as_bytes());
        assert_eq!(stamp_at(&bus, message.seq).await.unwrap(), Some(message.stamp));
    }
    assert!(tail.has_all().await.unwrap());
    bus.publish_all(&[message("two", "message.sent", "x"), message("one", "message.received", "later")])
        .await
        .unwrap();
    assert_eq!(tail.next().await.unwrap().payload, "later");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_extent_of_the_stream_names_its_last_message() {
    let Broker { bus, nats: _nats } = Broker::start().await;
    assert_eq!(extent(&bus).await.unwrap().last_seq, 0);
    bus.publish_all(&[message("one", "a.b", "1"), message("one", "a.b", "2")]).await.unwrap();
    let now = extent(&bus).await.unwrap();
    assert_eq!((now.first_seq, now.last_seq), (1, 2));
    assert_eq!(stamp_at(&bus, 2).await.unwrap(), Some(now.last_stamp));
    assert_eq!(stamp_at(&bus, 3).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_ends_with_its_connection() {
    let Broker { bus, mut nats } = Broker::start().await;
    bus.publish_all(&[message("one", "a.b", "1")]).await.unwrap();
    let mut tail = Tail::open(&bus, &all_of("one"), 1).await.unwrap();
    assert_eq!(tail.next().await.unwrap().payload, "1");
    nats.kill();
    assert!(tail.next().await.is_err());
    assert!(extent(&bus).await.is_err());
}
