//! Requests whose end can be read in two ways (RFC 9112 §6.3, §11.2): a proxy and a gateway that read it differently would let
//! one caller's bytes pass as the next caller's request.

use std::time::Duration;

use fault_suite::failure::Failure;
use testkit::Api;

use crate::calls;
use crate::raw;
use crate::row::Row;

/// A connection over which nothing comes for so long is over.
const QUIET: Duration = Duration::from_secs(10);
/// What the request in the body would make.
const SMUGGLED: &str = "smuggled";
const JSON: &str = "content-type: application/json";

pub(super) async fn play(api: &Api, row: &mut Row) -> Result<(), Failure> {
    for (name, bytes) in requests(api) {
        let heard = raw::exchange(api, &bytes, QUIET).await?;
        row.tried(heard.refuses() && heard.statuses.len() <= 1, || {
            format!("{name} is answered with {}", heard.shown())
        });
    }
    let made = calls::get(api, &format!("/v1/knowledge-bases/{SMUGGLED}")).await?;
    row.tried(made.status == 404, || format!("a request inside another one was carried out: {}", made.text));
    Ok(())
}

/// The request that is hidden.
fn inner(api: &Api) -> String {
    let body = format!(r#"{{"name":"{SMUGGLED}"}}"#);
    let length = format!("content-length: {}", body.len());
    raw::head(api, "POST", "/v1/knowledge-bases", &[JSON, &length]) + &body
}

fn requests(api: &Api) -> Vec<(String, Vec<u8>)> {
    let inner = inner(api);
    let hidden = format!("0\r\n\r\n{inner}");
    let all = format!("content-length: {}", hidden.len());
    let chunked = "transfer-encoding: chunked";
    let request = |lines: &[&str], body: &str| {
        let lines: Vec<&str> = [JSON].iter().chain(lines).copied().collect();
        (raw::head(api, "POST", "/v1/workflows/validate", &lines) + body).into_bytes()
    };
    let mut requests = vec![
        ("a length and chunks".to_owned(), request(&[&all, chunked], &hidden)),
        ("chunks and a length".to_owned(), request(&[chunked, &all], &hidden)),
        ("no length and chunks".to_owned(), request(&["content-length: 0", chunked], &hidden)),
        ("two lengths".to_owned(), request(&["content-length: 0", &all], &hidden)),
        ("two lengths, the other way".to_owned(), request(&[&all, "content-length: 0"], &hidden)),
        ("chunks on two lines".to_owned(), request(&["transfer-encoding: identity", chunked, &all], &hidden)),
        ("a length on a folded line".to_owned(), request(&["content-length:\r\n 0", &all], &hidden)),
        ("chunks on a folded line".to_owned(), request(&["transfer-encoding:\r\n chunked", &all], &hidden)),
    ];
    for coding in [
        "xchunked",
        "chunked, identity",
        "identity",
        "chunked\u{b}",
        "gzip",
        "chunked, gzip",
        "\"chunked\"",
        ", chunked",
    ] {
        let line = format!("transfer-encoding: {coding}");
        requests.push((format!("chunks as {coding:?}"), request(&[&line, &all], &hidden)));
    }
    for name in ["transfer-encoding ", "transfer-encoding\t", " transfer-encoding", "transfer-encoding\u{0}"]
    {
        let line = format!("{name}: chunked");
        requests.push((format!("chunks in the header {name:?}"), request(&[&line, &all], &hidden)));
    }
    for length in ["+5", "-1", "0x5", "5, 6", "5x", "1e1", "99999999999999999999999", "５", ""] {
        let line = format!("content-length: {length}");
        requests.push((format!("the length {length:?}"), request(&[&line], &hidden)));
    }
    for size in ["ffffffffffffffff1", "-1", "0x1", "+1", " 1", "x", "", "1_0"] {
        let body = format!("{size}\r\nx\r\n{hidden}");
        requests.push((format!("a chunk of the size {size:?}"), request(&[chunked], &body)));
    }
    requests
}
