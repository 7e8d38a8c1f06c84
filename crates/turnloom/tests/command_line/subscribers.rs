//! `subscribers`: who outside may read events on the bus.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use contracts::access::{read_users, users_conf};
use serde_json::json;

use super::{Ended, bare, end};

fn told(file: &Path, arguments: &[&str]) -> Ended {
    let mut command = bare();
    command.arg("subscribers").args(arguments).arg("--users-file").arg(file);
    end(command, "")
}

#[test]
fn subscribers_are_kept_in_the_file_of_users() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users.conf");
    std::fs::write(&file, told(&file, &["conf"]).out()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), users_conf(&[]));

    let made = told(&file, &["create", "crm", "--account", "acme", "--json"]).json();
    assert_eq!(made["consumer"], made["user"]);
    assert_eq!(made["inbox_prefix"], json!(format!("_INBOX.{}", made["user"].as_str().unwrap())));
    let kept = read_users(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(json!(kept.first().unwrap().password), made["password"]);
    let permissions = std::fs::metadata(&file).unwrap().permissions();
    assert_eq!(permissions.mode() & 0o777, 0o640, "whoever could read it still can");

    let taken = told(&file, &["create", "crm", "--account", "acme"]).complaint(1);
    assert!(taken.contains("acme has a subscriber 'crm'"), "{taken}");
    let said = told(&file, &["create", "crm"]).out();
    assert!(
        said.contains("✓ crm may read the events of default") && said.contains("--signal reload"),
        "{said}"
    );
    let odd = told(&file, &["create", "a.b"]).complaint(1);
    assert!(odd.contains("is no name of a subscriber"), "{odd}");

    let list = told(&file, &["list"]).out();
    assert!(!list.contains(made["password"].as_str().unwrap()), "{list}");
    assert_eq!(told(&file, &["list", "--json"]).json().as_array().unwrap().len(), 2);
    told(&file, &["revoke", "crm", "--account", "acme"]).out();
    let unknown = told(&file, &["revoke", "crm", "--account", "acme"]).complaint(1);
    assert!(unknown.contains("acme has no subscriber 'crm'"), "{unknown}");
    assert_eq!(told(&file, &["list", "--json"]).json().as_array().unwrap().len(), 1);
}

#[test]
fn a_file_that_says_something_else_is_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users.conf");
    std::fs::write(&file, "# subscriber crm\n").unwrap();
    told(&file, &["create", "erp"]).complaint(1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "# subscriber crm\n");
    let nowhere = told(&directory.path().join("none"), &["list"]).complaint(1);
    assert!(nowhere.contains("none"), "{nowhere}");
}
