//! R13: clients go away in the middle of their requests, at any byte. Nothing of theirs stays: no transaction, no
//! descriptor, no message.

use futures::StreamExt;
use rand::RngExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::failure::{Failure, io_error};
use crate::fleet::{Part, Settings};
use crate::patience::until;
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// Clients that go away: in the short form, and otherwise.
const CLIENTS: [usize; 2] = [500, 5_000];
/// How many at once.
const AT_ONCE: usize = 64;
/// Descriptors that the load may have opened meanwhile: a connection for each message under way, and some to spare.
const DESCRIPTORS_SPARE: usize = 100;
/// Of ten clients so many send a whole request for reading, and go away before the answer.
const WHOLE_OF_TEN: u32 = 3;

pub(super) async fn play(stage: &Stage) -> Result<Row, Failure> {
    let mut scene = Scene::open(stage, &Settings::default()).await?;
    let mut rng = stage.rng("clients");
    let load = scene.talk()?;
    scene.catch_up(&load).await?;
    let gateways = [Part::Gateway(0), Part::Gateway(1)];
    let before = gateways.map(|part| descriptors(&mut scene, part));
    let [short, usual] = CLIENTS;
    let clients = if stage.plan.short { short } else { usual };
    stage.say(&format!("{clients} clients go away"));
    let requests: Vec<(usize, Vec<u8>)> = (0..clients)
        .map(|n| {
            let whole = rng.random_range(0..10) < WHOLE_OF_TEN;
            let request = request(&scene, whole, n);
            // Never all of a message: it would be taken in.
            let sent = if whole { request.len() } else { rng.random_range(0..request.len()) };
            (n % 2, request.into_iter().take(sent).collect())
        })
        .collect();
    let addresses = scene.fleet.gateways.each_ref().map(|api| api.base().replace("http://", ""));
    let sent: Vec<Result<(), Failure>> = futures::stream::iter(requests)
        .map(|(gateway, part)| {
            let address = addresses.get(gateway).cloned().unwrap_or_default();
            async move { go_away(&address, &part).await }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let refused = sent.iter().filter(|sent| sent.is_err()).count();
    scene.row.must(refused == 0, || format!("{refused} connections were refused"));
    tokio::time::sleep(stage.load_time() / 2).await;
    let said = load.finish().await?;
    let mut after = before;
    until("the descriptors are back near their base line", || {
        after = gateways.map(|part| descriptors(&mut scene, part));
        let back = before.iter().zip(&after).all(|(before, after)| *after <= before + DESCRIPTORS_SPARE);
        std::future::ready(Ok(back.then_some(())))
    })
    .await?;
    scene.row.note(format!("{clients} clients; descriptors {before:?} before, {after:?} after"));
    let fleet = &scene.fleet;
    until("the gateways answer", || async move {
        Ok((fleet.answers(0).await && fleet.answers(1).await).then_some(()))
    })
    .await?;
    scene.close(&said).await
}

fn request(scene: &Scene, whole: bool, n: usize) -> Vec<u8> {
    let key = &scene.fleet.key;
    let host = "host: turnloom\r\n";
    if whole {
        let workflow = scene.workflows.first().map(|(_, id)| id.as_str()).unwrap_or_default();
        let path = format!("/v1/workflows/{workflow}/executions?limit=100");
        return format!("GET {path} HTTP/1.1\r\n{host}authorization: Bearer {key}\r\n\r\n").into();
    }
    let body = serde_json::json!({
        "customer_id": format!("gone-{n}"), "channel": "web", "message": "hello and goodbye", "message_id": "1",
    })
    .to_string();
    let length = body.len();
    format!(
        "POST /v1/messages HTTP/1.1\r\n{host}authorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into()
}

async fn go_away(address: &str, part: &[u8]) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(address).await.map_err(io_error("a gateway refuses"))?;
    // A gateway may have closed first, when what it saw was no request.
    stream.write_all(part).await.ok();
    Ok(())
}

fn descriptors(scene: &mut Scene, part: Part) -> usize {
    let pid = scene.fleet.pid(part).unwrap_or(0);
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}
