//! Switches the shared sources to the model checker's primitives.

fn main() {
    println!("cargo::rustc-cfg=caretoken_loom");
    println!("cargo::rerun-if-changed=build.rs");
}
