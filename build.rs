//! With the feature `capi`: generates the C header into `OUT_DIR`, and tells the linker what the shared
//! library needs. Otherwise it does nothing.
//!
//! Building never writes into the source tree; `UPDATE_HEADER=1 cargo test --test header` copies the
//! generated header to `include/caretoken.h`.

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

fn main() -> Result {
    println!("cargo::rerun-if-changed=build.rs");
    link_the_shared_library()?;
    generate_header()
}

/// The shared library's name and version, and how it is loaded. Here, so that every way of building it
/// has them.
///
/// `rustc-link-arg-cdylib` would hit it alone, but Cargo warns that it may refuse that where, as here,
/// only `cargo rustc --crate-type` makes the package a `cdylib`. In programs the arguments mean
/// nothing, but on macOS, where the linker refuses them.
#[cfg(feature = "capi")]
fn link_the_shared_library() -> Result {
    use std::env::var;

    let major = var("CARGO_PKG_VERSION_MAJOR")?;
    match (var("CARGO_CFG_TARGET_OS")?.as_str(), var("CARGO_CFG_TARGET_FAMILY")?.as_str()) {
        (_, "windows") => write_windows_resource(),
        ("macos", _) => {
            for argument in [
                format!("-install_name,@rpath/libcaretoken.{major}.dylib"),
                format!("-current_version,{}", var("CARGO_PKG_VERSION")?),
                format!("-compatibility_version,{major}"),
            ] {
                println!("cargo::rustc-link-arg-cdylib=-Wl,{argument}");
            }
        }
        (_, "unix") => {
            for argument in [
                // Programs ask for it by this name, wherever it is installed.
                format!("-soname,libcaretoken.so.{major}").as_str(),
                // A lookup that its call did not wait for runs on in a thread of its own. A host that
                // unloads the library meanwhile would take away the code under its feet, so the
                // library, once loaded, stays.
                "-z,nodelete",
                // Binding at the first call spills registers, and with them what was copied last.
                "-z,now",
                // Debuggers find the symbols, which are shipped apart, by it.
                "--build-id=sha1",
            ] {
                println!("cargo::rustc-link-arg=-Wl,{argument}");
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(not(feature = "capi"))]
#[expect(clippy::unnecessary_wraps, reason = "as its sibling")]
fn link_the_shared_library() -> Result {
    Ok(())
}

/// What Windows shows as the properties of `caretoken.dll`. A library without it works as well.
#[cfg(feature = "capi")]
fn write_windows_resource() {
    use winresource::{VersionInfo, WindowsResource};

    const DLL: u64 = 2;
    let written = WindowsResource::new()
        .set("FileDescription", env!("CARGO_PKG_DESCRIPTION"))
        .set("InternalName", "caretoken")
        .set("OriginalFilename", "caretoken.dll")
        .set("LegalCopyright", concat!("the caretoken authors; ", env!("CARGO_PKG_LICENSE")))
        .set_version_info(VersionInfo::FILETYPE, DLL)
        .compile();
    if let Err(error) = written {
        println!(
            "cargo::warning=caretoken.dll gets no version resource: {error}; for a target *-windows-gnu \
             install windres (on Debian: apt-get install binutils-mingw-w64), for *-windows-msvc the \
             Windows SDK"
        );
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
