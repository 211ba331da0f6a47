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

#[cfg(feature = "capi")]
fn generate_header() -> Result {
    use std::env::var;
    use std::path::PathBuf;

    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-changed=src/capi");

    let root = PathBuf::from(var("CARGO_MANIFEST_DIR")?);
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    config.after_includes = Some(format!(
        "\n/** The version of this header. The library's own is caretoken_version(). */\n\
         #define CARETOKEN_VERSION \"{}\"\n\
         #define CARETOKEN_VERSION_MAJOR {}\n\
         #define CARETOKEN_VERSION_MINOR {}\n\
         #define CARETOKEN_VERSION_PATCH {}",
        var("CARGO_PKG_VERSION")?,
        var("CARGO_PKG_VERSION_MAJOR")?,
        var("CARGO_PKG_VERSION_MINOR")?,
        var("CARGO_PKG_VERSION_PATCH")?,
    ));

    // In the order in which the header is read.
    let modules =
        ["strings", "status", "error", "token", "event", "config", "client", "report", "version"];
    let mut builder = cbindgen::Builder::new().with_config(config);
    for module in modules {
        builder = builder.with_src(root.join(format!("src/capi/{module}.rs")));
    }
    let header = PathBuf::from(var("OUT_DIR")?).join("caretoken.h");
    builder.generate()?.write_to_file(header);
    Ok(())
}
