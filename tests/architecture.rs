//! Arrows between modules run downwards only (design, section 1).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of `src`, and those it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("process", &["protected"]),
    ("protected", &[]),
    ("secret", &["protected"]),
    ("json", &["secret"]),
    ("observe", &["error"]),
    ("thread", &[]),
    ("life", &["error", "json"]),
    ("transport", &["error", "life", "process", "secret"]),
    ("profile", &["error", "json", "life", "secret", "transport"]),
    ("vendor", &["error", "profile", "secret"]),
    ("token", &["life", "secret"]),
    ("doctor", &["error", "life", "transport"]),
    (
        "client",
        &[
            "builder",
            "doctor",
            "error",
            "life",
            "observe",
            "process",
            "profile",
            "secret",
            "thread",
            "token",
            "transport",
            "vendor",
        ],
    ),
    (
        "builder",
        &[
            "client",
            "doctor",
            "error",
            "life",
            "observe",
            "profile",
            "secret",
            "transport",
            "vendor",
        ],
    ),
    (
        "capi",
        &[
            "builder",
            "client",
            "doctor",
            "error",
            "life",
            "observe",
            "protected",
            "secret",
            "token",
        ],
    ),
];

fn rust_files(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The code of a file without its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    text[..end].to_owned()
}

/// The modules that a text names as `crate::module`, outside comments.
fn named(code: &str) -> Vec<String> {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let parts = lines.flat_map(|line| line.split("crate::").skip(1));
    let words = parts.map(|rest| {
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
    });
    words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect()
}

#[test]
fn no_module_looks_back() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let arrows: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut arrows_seen = 0;
    for path in files {
        let relative = path.strip_prefix(&src).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let is_test = relative.iter().any(|part| part == "tests" || part == "tests.rs");
        if module == "lib" || is_test {
            continue;
        }
        let allowed = arrows.get(module).unwrap_or_else(|| panic!("{module} is not in the house"));
        for used in named(&code(&path)) {
            arrows_seen += 1;
            assert!(
                used == module || allowed.contains(&used.as_str()),
                "{} uses {used}",
                relative.display()
            );
        }
    }
    assert!(arrows_seen > 50, "the reader of arrows is broken");
}

#[test]
fn only_the_transport_knows_ureq_and_only_two_places_are_unsafe() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    for path in files {
        let relative = path.strip_prefix(&src).unwrap();
        let code = code(&path);
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            assert!(
                relative.starts_with("transport")
                    || !["ureq::", "rustls::", "native_tls::"].iter().any(|tls| line.contains(tls)),
                "{}: {line}",
                relative.display()
            );
            assert!(
                ["capi", "protected", "protected.rs"]
                    .iter()
                    .any(|place| relative.starts_with(place))
                    || !line.contains("unsafe "),
                "{}: {line}",
                relative.display()
            );
        }
    }
}
