//! Thousands of connections that say nothing: others are served on.

use testkit::eventually;

use super::gateway;
use super::raw::{Raw, get};
use crate::support::Gateway;

/// Connections that say nothing.
const SILENT: usize = 4000;
/// Places in all, and of one address.
const PLACES: [&str; 4] = ["--connections-max", "500", "--address-connections-max", "400"];

async fn is_served(raw: &mut Raw) -> bool {
    raw.send(get("/v1/openapi.json")).await && raw.answer().await.is_some_and(|answer| answer.status == 200)
}

async fn crowd(address: &str, gateway: &Gateway) -> Vec<Raw> {
    let mut crowd = Vec::with_capacity(SILENT);
    for _ in 0..SILENT {
        crowd.push(Raw::from(address, gateway).await);
    }
    crowd
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_take_all_places() {
    let gateway = gateway(&PLACES).await;
    let crowd = crowd("127.0.0.2", &gateway).await;
    let mut other = Raw::from("127.0.0.3", &gateway).await;
    assert!(is_served(&mut other).await);
    // All of them go in the end: most at once, the others when their time for a head is over.
    for mut silent in crowd {
        assert!(silent.is_over().await);
    }
    eventually("there is room for the address again", || async {
        is_served(&mut Raw::from("127.0.0.2", &gateway).await).await.then_some(())
    })
    .await;
    assert!(is_served(&mut other).await);
}

/// Connections of this address that are served, and then keep their places.
async fn guests(address: &str, gateway: &Gateway, many: usize) -> Vec<Raw> {
    let mut guests = Vec::with_capacity(many);
    for _ in 0..many {
        let mut guest = Raw::from(address, gateway).await;
        assert!(is_served(&mut guest).await);
        guests.push(guest);
    }
    guests
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_inside_is_served_on_when_it_is_full() {
    let gateway = gateway(&PLACES).await;
    let mut inside = guests("127.0.0.4", &gateway, 1).await.pop().unwrap();
    let others = (guests("127.0.0.2", &gateway, 300).await, guests("127.0.0.3", &gateway, 199).await);
    // Whoever comes now finds the door closed.
    for silent in &mut crowd("127.0.0.5", &gateway).await {
        assert!(silent.is_over().await);
    }
    assert!(!is_served(&mut Raw::from("127.0.0.6", &gateway).await).await);
    assert!(is_served(&mut inside).await);
    drop(others);
    eventually("there is room again", || async {
        is_served(&mut Raw::from("127.0.0.6", &gateway).await).await.then_some(())
    })
    .await;
    assert!(is_served(&mut inside).await);
}
