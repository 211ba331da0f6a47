//! The committed header is the one that the build generates, tells the truth, and has the recorded ABI.

#[path = "c/artifact.rs"]
mod artifact;

use std::env;
use std::fs;
use std::process::Command;

use artifact::{artifact, have, root, run};

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = fs::read_to_string(&artifact().header).unwrap();
    let committed = root().join("include/caretoken.h");
    if env::var_os("UPDATE_HEADER").is_some_and(|value| value == "1") {
        // In one step: the other tests read it.
        let fresh = committed.with_extension("h.new");
        fs::write(&fresh, &generated).unwrap();
        fs::rename(fresh, &committed).unwrap();
    }
    let committed = fs::read_to_string(committed).unwrap_or_default();
    let first_difference = generated
        .lines()
        .chain(std::iter::repeat(""))
        .zip(committed.lines().chain(std::iter::repeat("")))
        .take(generated.lines().count().max(committed.lines().count()))
        .position(|(generated, committed)| generated != committed);
    assert!(
        generated == committed,
        "include/caretoken.h is stale (first difference in line {:?}): \
         run UPDATE_HEADER=1 cargo test --test header",
        first_difference.map(|line| line + 1)
    );
}

#[test]
fn the_headers_version_is_that_of_the_crate() {
    let header = fs::read_to_string(&artifact().header).unwrap();
    for (name, value) in [
        ("VERSION", concat!("\"", env!("CARGO_PKG_VERSION"), "\"")),
        ("VERSION_MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
        ("VERSION_MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        ("VERSION_PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    ] {
        let line = format!("#define CARETOKEN_{name} {value}");
        assert!(header.lines().any(|known| known == line), "{line}");
    }
}

/// The texts of the header are written for C developers; nothing of Rust shines through.
#[test]
fn the_header_is_plain_ascii_and_speaks_c() {
    let header = fs::read_to_string(&artifact().header).unwrap();
    for (number, line) in header.lines().enumerate() {
        assert!(line.is_ascii(), "line {}: {line}", number + 1);
        for rust in ["Option<", "[`", "::", "&mut", "Arc<"] {
            assert!(!line.contains(rust), "line {}: {line}", number + 1);
        }
    }
}

#[test]
fn every_function_of_the_header_has_words_of_its_own() {
    let header = fs::read_to_string(&artifact().header).unwrap();
    let lines: Vec<&str> = header.lines().collect();
    let mut functions = 0;
    for (number, line) in lines.iter().enumerate() {
        let is_function = line.contains("caretoken_")
            && line.contains('(')
            && !line.starts_with([' ', '#', '*', '/'])
            && !line.starts_with("typedef");
        if is_function {
            functions += 1;
            assert_eq!(lines[number - 1].trim(), "*/", "no words for {line}");
        }
    }
    assert!(functions > 25, "{functions}");
}

/// But for caretoken_wipe, which C++ calls as it is.
#[test]
fn the_layer_for_cpp_uses_every_function() {
    let layer = fs::read_to_string(root().join("include/caretoken.hpp")).unwrap();
    let abi = fs::read_to_string(root().join("tests/abi.txt")).unwrap();
    let functions = abi.lines().take_while(|line| !line.starts_with("struct "));
    let names = functions.map(|line| {
        let name = line.split('(').next().unwrap();
        name.rsplit([' ', '*']).next().unwrap()
    });
    let unused: Vec<_> = names.filter(|name| !layer.contains(name)).collect();
    assert_eq!(unused, ["caretoken_wipe"]);
}

/// Functions with their prototypes, the size of each struct and the offset of each field, and the value
/// of each constant, as a C compiler sees them.
#[test]
#[cfg(target_pointer_width = "64")]
fn the_c_abi_is_the_recorded_one() {
    if !have(&["cc"]) {
        return;
    }
    let recorded = root().join("tests/abi.txt");
    let found = abi(&fs::read_to_string(&artifact().header).unwrap());
    if env::var_os("UPDATE_ABI").is_some_and(|value| value == "1") {
        fs::write(&recorded, &found).unwrap();
    }
    let recorded = fs::read_to_string(recorded).unwrap_or_default();
    let only = |these: &str, those: &str| -> Vec<String> {
        let those: Vec<_> = those.lines().collect();
        these.lines().filter(|line| !those.contains(line)).map(str::to_owned).collect()
    };
    assert!(
        found == recorded,
        "the C ABI changed.\nrecorded: {:#?}\nfound: {:#?}\nWhat was released must keep working: \
         functions and fields may be added, fields at the end of their struct, and no number \
         changes. If it is so, run UPDATE_ABI=1 cargo test --test header",
        only(&recorded, &found),
        only(&found, &recorded)
    );
}

fn abi(header: &str) -> String {
    let mut code = header.to_owned();
    while let Some(start) = code.find("/*") {
        let end = start + code[start..].find("*/").unwrap() + 2;
        code.replace_range(start..end, "");
    }
    let (directives, code): (Vec<_>, Vec<_>) = code.lines().partition(|line| line.starts_with('#'));
    let code: Vec<_> =
        code.into_iter().filter(|line| !["extern \"C\" {", "}"].contains(&line.trim())).collect();
    let code = code.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");

    let (mut functions, mut types) = (Vec::new(), String::new());
    let mut rest = code.as_str();
    while let Some(end) = rest.find([';', '{']) {
        let item = rest[..end].trim();
        let (fields, after) = match rest[end..].strip_prefix('{') {
            Some(body) => body.split_once("};").unwrap(),
            None => ("", &rest[end + 1..]),
        };
        rest = after;
        if let Some(name) = item.strip_prefix("struct ").filter(|_| !fields.is_empty()) {
            types +=
                &format!("    printf(\"struct {name}, %zu bytes\\n\", sizeof(struct {name}));\n");
            for field in fields.split(';').map(str::trim).filter(|field| !field.is_empty()) {
                let member = field.rsplit([' ', '*']).next().unwrap();
                types += &format!(
                    "    printf(\"    %zu {field}\\n\", offsetof(struct {name}, {member}));\n"
                );
            }
        } else if item.contains('(') && !item.starts_with("typedef ") {
            functions.push(item);
        } else if !item.starts_with("typedef struct ") {
            types += &format!("    puts(\"{item}\");\n");
        }
    }
    functions.sort_by_key(|prototype| {
        prototype.split('(').next().unwrap().rsplit([' ', '*']).next().unwrap()
    });

    let constants = directives.iter().filter_map(|line| {
        let name = line.strip_prefix("#define ")?.split_once(' ')?.0;
        // Each release has another version.
        (!name.starts_with("CARETOKEN_VERSION"))
            .then(|| format!("    printf(\"{name} %lld\\n\", (long long){name});\n"))
    });
    let program = format!(
        "#include <stdio.h>\n#include \"caretoken.h\"\nint main(void) {{\n{types}{}    return 0;\n}}\n",
        constants.collect::<String>()
    );
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, binary) = (directory.join("abi.c"), directory.join("abi"));
    fs::write(&source, program).unwrap();
    run(Command::new("cc")
        .arg("-I")
        .arg(artifact().header.parent().unwrap())
        .arg(&source)
        .arg("-o")
        .arg(&binary));
    functions.join("\n") + "\n" + &run(&mut Command::new(&binary))
}

/// Both as written in the headers' introductions: the C one runs until it misses its secret.
#[test]
fn the_example_in_the_header_compiles_and_runs() {
    if !have(&["cc"]) {
        return;
    }
    let header = fs::read_to_string(root().join("include/caretoken.h")).unwrap();
    let example: Vec<&str> = header
        .lines()
        .skip_while(|line| !line.contains("A complete program:"))
        .skip(1)
        .take_while(|line| !line.contains("It links with"))
        .map(|line| line.strip_prefix(" *     ").unwrap_or_default())
        .collect();
    assert!(example.len() > 30);
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (directory.join("header_example.c"), directory.join("header_example"));
    fs::write(&source, example.join("\n") + "\n").unwrap();
    run(Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
        .arg(root().join("include"))
        .arg(&source)
        .arg("-L")
        .arg(&artifact().libraries)
        .arg("-lcaretoken")
        .arg("-o")
        .arg(&program));
    let output = Command::new(&program)
        .env("LD_LIBRARY_PATH", &artifact().libraries)
        .env_remove("PATTERN_CLIENT_SECRET")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(printed.starts_with("client_secret is empty"), "{printed}");
}
