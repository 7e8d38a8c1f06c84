//! A connection for telling ends with the broker that it was made to.

use crate::support::{Broker, eventually};
use bus::publish::Outgoing;
use bus::teller::Teller;
use bus::{Unavailable, events};
use contracts::subject;
use flow_model::AccountId;

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_connection_that_was_lost_is_never_told() {
    let mut broker = Broker::start().await;
    let event = Outgoing {
        subject: subject::events(AccountId::named("default"), "message.sent"),
        headers: Vec::new(),
        payload: "[1]".into(),
    };
    let teller = broker.bus.teller().await.unwrap();
    tell(&teller, &event).await.unwrap();
    broker.nats.kill();
    // Begun while nobody is there: such ones must not be kept back until somebody is.
    let teller = std::sync::Arc::new(teller);
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let (teller, event) = (std::sync::Arc::clone(&teller), event.clone());
            tokio::spawn(async move { tell(&teller, &event).await })
        })
        .collect();
    broker.nats.start_again().unwrap();
    broker.connected_again().await;
    for publish in waiting {
        assert!(publish.await.unwrap().is_err());
    }
    assert!(tell(&teller, &event).await.is_err());
    let told = || async { events::stream(&broker.bus).await.map_or(0, |stream| stream.last_seq) };
    assert!(told().await <= 1);
    let again = broker.bus.teller().await.unwrap();
    tell(&again, &event).await.unwrap();
    eventually("the next one tells again", || async { told().await <= 2 && told().await > 0 }).await;
}

async fn tell(teller: &Teller, event: &Outgoing) -> Result<(), Unavailable> {
    teller.publish(std::slice::from_ref(event)).await?.await
}
