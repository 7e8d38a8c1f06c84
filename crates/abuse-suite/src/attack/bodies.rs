//! S9: bodies without end, bodies that unfold, and heads that fill the memory.

use std::time::Duration;

use fault_suite::failure::Failure;
use testkit::Api;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::smuggling;
use crate::account::Account;
use crate::gzip;
use crate::memory::Watch;
use crate::product::Product;
use crate::raw::{self, Heard};
use crate::row::Row;
use crate::stage::Stage;

/// Nothing grows by more.
const GROWTH_BYTES_MAX: u64 = 32 << 20;
/// What is sent in chunks at most.
const ENDLESS_BYTES: u64 = 10 << 30;
/// Bytes of a chunk.
const CHUNK_BYTES: usize = 64 * 1024;
/// What the bomb unfolds to.
const BOMB_BYTES: usize = 256 << 20;
/// A connection over which nothing comes for so long is over.
const QUIET: Duration = Duration::from_secs(20);

const JSON: &str = "content-type: application/json";

pub(super) async fn play(stage: &Stage, product: &Product, row: &mut Row) -> Result<(), Failure> {
    let account = Account::make(product, &format!("s9-{:08x}", stage.seed)).await?;
    let api = product.gateway(0, account.full())?;
    let nobody = product.gateway(0, "")?;
    let watch = Watch::start(&product.pids_of("gateway"));
    stage.say("bodies without end");
    let document = "/v1/knowledge-bases/none/documents/d.md";
    for (api, method, path, media) in [
        (&api, "POST", "/v1/workflows", JSON),
        (&api, "PUT", document, "content-type: text/markdown"),
        (&api, "GET", "/v1/workflows", JSON),
        (&nobody, "POST", "/v1/messages", JSON),
        (&nobody, "POST", "/v1/nothing", JSON),
    ] {
        let (heard, taken) = endless(api, method, path, media).await?;
        row.tried(heard.refuses() || (method == "GET" && heard.closed), || {
            format!(
                "a body without end to {method} {path} is answered with {} after {} MiB",
                heard.shown(),
                taken >> 20
            )
        });
        row.note(format!("{} MiB taken by {method} {path}", taken >> 20));
    }
    stage.say("bodies that unfold");
    let bomb = tokio::task::spawn_blocking(|| gzip::bomb(BOMB_BYTES)).await?;
    for coding in
        ["content-encoding: gzip", "content-encoding: GZIP, identity", "transfer-encoding: gzip, chunked"]
    {
        let length = format!("content-length: {}", bomb.len());
        let lines =
            if coding.starts_with("transfer") { vec![JSON, coding] } else { vec![JSON, coding, &length] };
        let mut bytes = raw::head(&api, "POST", "/v1/workflows", &lines).into_bytes();
        bytes.extend_from_slice(&bomb);
        let heard = raw::exchange(&api, &bytes, QUIET).await?;
        row.tried(heard.refuses(), || format!("a bomb with '{coding}' is answered with {}", heard.shown()));
    }
    stage.say("heads that are too large");
    for (name, bytes) in heads(&api) {
        let heard = raw::exchange(&api, &bytes, QUIET).await?;
        row.tried(heard.refuses(), || format!("{name} is answered with {}", heard.shown()));
    }
    stage.say("requests that mean two things");
    smuggling::play(&api, row).await?;
    row.grew(watch.grew(), GROWTH_BYTES_MAX);
    Ok(())
}

/// Sends chunks until the connection is closed; gives what was heard, and how many bytes were taken.
async fn endless(api: &Api, method: &str, path: &str, media: &str) -> Result<(Heard, u64), Failure> {
    let (mut reader, mut writer) = raw::connect(api).await?.into_split();
    let head = raw::head(api, method, path, &[media, "transfer-encoding: chunked"]);
    let mut writing = tokio::spawn(async move {
        let mut taken = 0_u64;
        let mut chunk = format!("{CHUNK_BYTES:x}\r\n").into_bytes();
        chunk.resize(chunk.len() + CHUNK_BYTES, b' ');
        chunk.extend_from_slice(b"\r\n");
        if writer.write_all(head.as_bytes()).await.is_err() {
            return taken;
        }
        while taken < ENDLESS_BYTES {
            match timeout(QUIET, writer.write_all(&chunk)).await {
                Ok(Ok(())) => taken += CHUNK_BYTES as u64,
                Ok(Err(_)) | Err(_) => return taken,
            }
        }
        taken
    });
    let answer = raw::hear(&mut reader, QUIET).await;
    let taken = timeout(QUIET, &mut writing).await;
    writing.abort();
    Ok((answer, taken.unwrap_or(Ok(ENDLESS_BYTES))?))
}

fn heads(api: &Api) -> Vec<(&'static str, Vec<u8>)> {
    let lines = (0..10_000).map(|n| format!("x-{n}: {n}")).collect::<Vec<_>>();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let long_value = format!("x-long: {}", "x".repeat(4 << 20));
    let long_name = format!("{}: x", "x".repeat(4 << 20));
    let long_path = format!("/v1/workflows?search={}", "x".repeat(4 << 20));
    let head = |path: &str, lines: &[&str]| raw::head(api, "GET", path, lines).into_bytes();
    vec![
        ("a request with 10,000 headers", head("/v1/workflows", &lines)),
        ("a header of 4 MiB", head("/v1/workflows", &[&long_value])),
        ("a header's name of 4 MiB", head("/v1/workflows", &[&long_name])),
        ("a path of 4 MiB", head(&long_path, &[])),
        ("a method of 4 MiB", raw::head(api, &"X".repeat(4 << 20), "/v1/workflows", &[]).into_bytes()),
        ("4 MiB without a line", vec![b'x'; 4 << 20]),
        ("4 MiB of line ends", b"\r\n".repeat(2 << 20)),
        ("zeros", vec![0; 4 << 20]),
    ]
}
