//! `caretoken profile list`, `show` and `schema`.

mod support;

use std::fs;

use support::{program, root, run};

const COMPILED_IN: [&str; 8] = [
    "parchment",
    "ehealth",
    "edvak",
    "pattern",
    "oauth2-client-credentials",
    "oauth2-password",
    "oauth2-refresh-token",
    "oauth2-jwt-bearer",
];

#[test]
fn the_list_says_what_each_profile_asks_for() {
    let list = run(program().args(["profile", "list"])).success();
    for name in COMPILED_IN {
        assert!(list.lines().any(|line| line.starts_with(&format!("{name}: "))), "{name}");
    }
    let pattern = list.split("pattern: ").nth(1).unwrap().split("\n\n").next().unwrap();
    assert_eq!(
        pattern,
        "Pattern Health\n  base_url               required, url\n  client_id              required, \
         secret\n  client_secret          required, secret"
    );
    for line in [
        "  custom_psk             optional, secret",
        "  client_authentication  default basic, one of basic body",
        "  private_key            required, secret, private key",
        "  scopes                 required",
        "  scopes                 optional",
    ] {
        assert!(list.contains(line), "{line} in {list}");
    }
    assert!(list.lines().all(|line| line.chars().count() <= 100), "{list}");
}

#[test]
fn the_list_can_be_json() {
    let list = run(program().args(["profile", "list", "--json"])).json();
    let list = list.as_array().unwrap();
    let names: Vec<_> = list.iter().map(|profile| profile["name"].as_str().unwrap()).collect();
    assert_eq!(names, COMPILED_IN);
    let bearer = &list[7];
    let parameters = bearer["parameters"].as_array().unwrap();
    let find = |name: &str| parameters.iter().find(|known| known["name"] == name).unwrap();
    let algorithm = find("algorithm");
    assert_eq!((&algorithm["kind"], &algorithm["default"]), (&"choice".into(), &"RS256".into()));
    assert_eq!(algorithm["choices"].as_array().unwrap().len(), 8);
    assert_eq!(
        (&algorithm["is_secret"], &algorithm["is_required"]),
        (&false.into(), &false.into())
    );
    let key = find("private_key");
    assert_eq!(key["environment_variable"], "OAUTH2_JWT_BEARER_PRIVATE_KEY");
    assert_eq!((&key["is_secret"], &key["is_required"]), (&true.into(), &true.into()));
    assert_eq!((&list[0]["scopes"], &list[3]["scopes"]), (&"required".into(), &"none".into()));
    assert_eq!(bearer["scopes"], "optional");
}

#[test]
fn a_profile_that_is_compiled_in_is_shown_as_its_file_is() {
    for name in COMPILED_IN {
        let file = fs::read_to_string(root().join(format!("profiles/{name}.json"))).unwrap();
        assert_eq!(run(program().args(["profile", "show", name])).success(), file);
    }
    let error = run(program().args(["profile", "show", "acme"])).failure(64);
    assert!(error.contains("acme") && error.contains("oauth2-jwt-bearer"), "{error}");
}

#[test]
fn the_schema_is_the_file_beside_the_profiles() {
    let file = fs::read_to_string(root().join("profiles/profile.schema.json")).unwrap();
    assert_eq!(run(program().args(["profile", "schema"])).success(), file);
}
