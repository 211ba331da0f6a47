//! With the feature `capi`: generates the C header into `OUT_DIR`, and tells the linker what the shared
//! library needs. Otherwise it does nothing.
//!
//! Building never writes into the source tree; `UPDATE_HEADER=1 cargo test --test header` copies the
//! generated header to `include/caretoken.h`.

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

fn main() -> Result {
    println!("cargo::rerun-if-changed=build.rs");
    stay_loaded();
    generate_header()
}

/// A lookup that its call did not wait for runs on in a thread of its own. A host that unloads the
/// library meanwhile would take away the code under its feet, so the shared library, once loaded,
/// stays.
///
/// `rustc-link-arg-cdylib` would hit it alone, but Cargo warns that it may refuse that where, as here,
/// only `cargo rustc --crate-type` makes the package a `cdylib`. In programs the flag means nothing.
fn stay_loaded() {
    let is_linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if cfg!(feature = "capi") && is_linux {
        println!("cargo::rustc-link-arg=-Wl,-z,nodelete");
    }
}

#[cfg(not(feature = "capi"))]
#[expect(clippy::unnecessary_wraps, reason = "as its sibling")]
fn generate_header() -> Result {
    Ok(())
}

/// The sections of the header, in the order in which a C developer meets things, and the modules of
/// `src/capi` that each is made of.
#[cfg(feature = "capi")]
const SECTIONS: &[(&str, &[&str])] = &[
    ("What all functions use", &["types"]),
    ("Profile", &["profile"]),
    ("Configuration", &["config"]),
    ("Client", &["client"]),
    ("Token", &["token"]),
    ("Error", &["error", "status"]),
    ("Callbacks", &["event", "callbacks"]),
    ("Doctor", &["report"]),
    ("Helpers", &["helpers"]),
];

/// cbindgen writes all types before all functions. So it is called for each section by itself; types
/// are declared in front of all sections, since a section may name those of a later one.
#[cfg(feature = "capi")]
fn generate_header() -> Result {
    use std::env::var;
    use std::path::PathBuf;

    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-changed=src/capi");

    let root = PathBuf::from(var("CARGO_MANIFEST_DIR")?);
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    let introduction = config.header.take().unwrap_or_default();
    let end = config.trailer.take().unwrap_or_default();
    let (mut declarations, mut sections) = (String::new(), String::new());
    for (title, modules) in SECTIONS {
        let mut builder = cbindgen::Builder::new().with_config(config.clone());
        for module in *modules {
            builder = builder.with_src(root.join(format!("src/capi/{module}.rs")));
        }
        let mut section = Vec::new();
        builder.generate()?.write(&mut section);
        sections += &format!("\n/* ---- {title} {:-<1$} */\n\n", "", 90 - title.len());
        for line in String::from_utf8(section)?.trim().lines() {
            match line.strip_prefix("struct ").and_then(|rest| rest.strip_suffix([';', '{'])) {
                Some(name) => {
                    let name = name.trim();
                    declarations += &format!("typedef struct {name} {name};\n");
                    sections += line;
                }
                None => sections += &line.replace("struct caretoken_", "caretoken_"),
            }
            sections.push('\n');
        }
    }

    let text = format!(
        r#"{introduction}
#ifndef CARETOKEN_H
#define CARETOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header. The library's own is caretoken_version(). */
#define CARETOKEN_VERSION "{}"
#define CARETOKEN_VERSION_MAJOR {}
#define CARETOKEN_VERSION_MINOR {}
#define CARETOKEN_VERSION_PATCH {}

#ifdef __cplusplus
extern "C" {{
#endif

{declarations}{sections}
{end}
#ifdef __cplusplus
}}  /* extern "C" */
#endif

#endif  /* CARETOKEN_H */
"#,
        var("CARGO_PKG_VERSION")?,
        var("CARGO_PKG_VERSION_MAJOR")?,
        var("CARGO_PKG_VERSION_MINOR")?,
        var("CARGO_PKG_VERSION_PATCH")?,
    );
    std::fs::write(PathBuf::from(var("OUT_DIR")?).join("caretoken.h"), text)?;
    Ok(())
}
