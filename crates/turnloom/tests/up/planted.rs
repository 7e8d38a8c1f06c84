//! A secret that is planted is found nowhere: not in the database, not in the streams, not in the logs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use testkit::Api;

use super::{Up, directory, word_after};

/// Every file in a directory, and in those in it.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn holds(bytes: &[u8], wanted: &str) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_secret_is_found_nowhere() {
    let data_dir = directory();
    let log = fs::File::create(data_dir.join("services.log")).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_turnloom"))
        .args(["up", "--listen", "127.0.0.1:0", "--log", "trace", "--data-dir"])
        .arg(&data_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut up = Up(child);
    let said = up.welcome();
    let api = Api::new(word_after(&said, "API      ").trim_end_matches("/v1"), word_after(&said, "API key"));
    let planted = format!("planted-{}", platform::clock::new_uuid_v4().simple());
    api.put("/v1/secrets/planted_name", &json!({"value": planted})).await.expect(200);
    api.put("/v1/secrets/planted_name", &json!({"value": planted, "more": planted})).await.expect(400);
    let listed = api.get("/v1/secrets").await;
    assert!(listed.text.contains("planted_name") && !listed.text.contains(&planted), "{}", listed.text);
    assert_eq!(up.interrupt(), Some(0));

    let key_file = data_dir.join("secrets-key");
    assert_eq!(fs::metadata(&key_file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = fs::read_to_string(&key_file).unwrap().trim().to_owned();
    assert!(!said.contains(&key));
    // As the database shows bytes.
    let hex = planted.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let mut with_name = 0;
    for path in files(&data_dir) {
        let bytes = fs::read(&path).unwrap();
        for secret in [&planted, &hex] {
            assert!(!holds(&bytes, secret), "{} holds the secret", path.display());
        }
        assert!(path == key_file || !holds(&bytes, &key), "{} holds the key", path.display());
        with_name += usize::from(holds(&bytes, "planted_name"));
    }
    assert!(with_name > 0, "the secret's row was not found: the search looks in the wrong place");
    fs::remove_dir_all(&data_dir).ok();
}
