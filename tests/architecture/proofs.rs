//! The reader against small made-up crates.

use crate::reader::{Crate, Files, read};
use crate::{outside, violations};

fn crate_of(files: &[(&str, &str)]) -> Crate {
    let files: Files =
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    read("house", &files)
}

/// What `from` imports, without the declarations of its modules, as `line path -> file`.
fn imports(files: &[(&str, &str)], from: &str) -> Vec<String> {
    let found = crate_of(files);
    assert_eq!(found.flaws, Vec::<String>::new());
    let from_there = found.imports.iter().filter(|import| import.from == from);
    from_there
        .filter(|import| !import.path.starts_with("mod "))
        .map(|import| format!("{} {} -> {}", import.line, import.path, import.to))
        .collect()
}

/// A crate of three folders, with a file to try imports in.
fn house(tried: &str) -> Vec<(&'static str, &str)> {
    vec![
        ("lib.rs", "mod top; mod attic; mod cellar; fn of_the_root() {}"),
        ("top.rs", "mod tried; mod sibling; fn of_the_face() {}"),
        ("top/tried.rs", tried),
        ("top/sibling.rs", "pub struct Sibling;"),
        (
            "attic.rs",
            "pub mod chest; pub use chest::Coat; pub use chest as trunk; pub fn roof() {}",
        ),
        ("attic/chest.rs", "pub mod drawer; pub struct Coat;"),
        ("attic/chest/drawer.rs", "pub struct Sock; pub fn drawer() {}"),
        (
            "cellar/mod.rs",
            "pub mod wine; pub mod coal; pub use wine::*; pub use coal::coal; mod inner { }",
        ),
        ("cellar/wine.rs", "pub mod rack; pub struct Bottle;"),
        ("cellar/wine/rack.rs", "pub struct Place;"),
        ("cellar/coal.rs", "pub fn coal() {}"),
    ]
}

#[track_caller]
fn assert_imports(tried: &str, expected: &[&str]) {
    let found = imports(&house(tried), "top/tried.rs");
    assert_eq!(found, expected, "{tried}");
}

#[test]
fn an_import_leads_to_the_file_of_its_module() {
    assert_imports(
        "use crate::attic::chest::Coat;",
        &["1 crate::attic::chest::Coat -> attic/chest.rs"],
    );
    assert_imports("use crate::attic::chest;", &["1 crate::attic::chest -> attic/chest.rs"]);
    assert_imports(
        "use crate::attic::chest::drawer::{self, Sock};",
        &[
            "1 crate::attic::chest::drawer -> attic/chest/drawer.rs",
            "1 crate::attic::chest::drawer::Sock -> attic/chest/drawer.rs",
        ],
    );
    assert_imports("use std::fmt; use ::attic::chest;", &[]);
}

#[test]
fn each_branch_of_a_group_is_an_import_of_its_own() {
    assert_imports(
        "use crate::{\n    attic::{chest::{drawer::Sock, Coat}, roof},\n    cellar::wine::Bottle,\n};",
        &[
            "2 crate::attic::chest::Coat -> attic/chest.rs",
            "2 crate::attic::chest::drawer::Sock -> attic/chest/drawer.rs",
            "2 crate::attic::roof -> attic.rs",
            "3 crate::cellar::wine::Bottle -> cellar/wine.rs",
        ],
    );
}

#[test]
fn what_a_face_defines_or_re_exports_leads_to_the_face() {
    assert_imports("use crate::attic::roof;", &["1 crate::attic::roof -> attic.rs"]);
    assert_imports("use crate::attic::Coat;", &["1 crate::attic::Coat -> attic.rs"]);
    assert_imports("use crate::cellar::Bottle;", &["1 crate::cellar::Bottle -> cellar/mod.rs"]);
    assert_imports("use crate::of_the_root;", &["1 crate::of_the_root -> lib.rs"]);
    assert_imports("use super::of_the_face;", &["1 super::of_the_face -> top.rs"]);
    assert_imports("use super::*;", &["1 super -> top.rs"]);
    assert_imports("use crate::attic::*;", &["1 crate::attic -> attic.rs"]);
}

#[test]
fn a_re_exported_module_leads_to_the_face_and_to_the_module() {
    assert_imports(
        "use crate::attic::trunk::Coat;",
        &[
            "1 crate::attic::trunk::Coat -> attic.rs",
            "1 crate::attic::trunk::Coat -> attic/chest.rs",
        ],
    );
    assert_imports(
        "use crate::cellar::rack::Place;",
        &[
            "1 crate::cellar::rack::Place -> cellar/mod.rs",
            "1 crate::cellar::rack::Place -> cellar/wine/rack.rs",
        ],
    );
}

#[test]
fn an_import_brings_a_module_and_the_item_of_its_name() {
    assert_imports(
        "use crate::cellar::coal;",
        &["1 crate::cellar::coal -> cellar/coal.rs", "1 crate::cellar::coal -> cellar/mod.rs"],
    );
    // A call means the item alone.
    assert_imports(
        "fn f() { crate::cellar::coal(); }",
        &["1 crate::cellar::coal -> cellar/mod.rs"],
    );
    assert_imports(
        "fn f() { crate::cellar::coal::coal(); }",
        &["1 crate::cellar::coal::coal -> cellar/coal.rs"],
    );
}

#[test]
fn self_and_super_count_from_where_they_stand() {
    assert_imports(
        "use super::sibling::Sibling;",
        &["1 super::sibling::Sibling -> top/sibling.rs"],
    );
    assert_imports("use super::super::attic::roof;", &["1 super::super::attic::roof -> attic.rs"]);
    assert_imports("use self::inner::X; mod inner { pub struct X; }", &[]);
    assert_imports(
        "mod inner {\n    use super::Own;\n    use super::super::sibling::Sibling;\n    \
         fn f() { super::super::of_the_face(); }\n}\nstruct Own;",
        &[
            "3 super::super::sibling::Sibling -> top/sibling.rs",
            "4 super::super::of_the_face -> top.rs",
        ],
    );
}

#[test]
fn renamed_and_imported_modules_are_followed() {
    assert_imports(
        "use crate::attic as upstairs;\nfn f() { upstairs::chest::drawer::drawer(); }",
        &[
            "1 crate::attic -> attic.rs",
            "2 upstairs::chest::drawer::drawer -> attic/chest/drawer.rs",
        ],
    );
    // Once more through the same name is the same import.
    assert_imports(
        "use crate::cellar::wine;\nfn f(_: wine::Bottle) {}",
        &["1 crate::cellar::wine -> cellar/wine.rs"],
    );
    assert_imports(
        "fn f() {\n    use crate::attic::chest;\n    chest::drawer::drawer();\n}",
        &[
            "2 crate::attic::chest -> attic/chest.rs",
            "3 chest::drawer::drawer -> attic/chest/drawer.rs",
        ],
    );
    assert_imports(
        "use super::*;\nfn f(_: sibling::Sibling) {}",
        &["1 super -> top.rs", "2 sibling::Sibling -> top/sibling.rs"],
    );
}

#[test]
fn paths_in_the_code_count() {
    for tried in [
        "fn f() { crate::attic::roof(); }",
        "fn f(_: &crate::attic::Coat) {}",
        "fn f() -> Option<Vec<crate::attic::Coat>> { None }",
        "fn f<T: crate::attic::Trait>() {}",
        "impl crate::attic::Trait for u8 {}",
        "fn f() { <u8 as crate::attic::Trait>::g(); }",
        "fn f() { if let crate::attic::Kind::One = g() {} }",
        "static S: [u8; crate::attic::LENGTH] = [0; 1];",
        "fn f() { let _ = |x: u8| async move { g::<crate::attic::Coat>(x) }; }",
        "#[derive(crate::attic::Derive)] struct X;",
        "#[cfg(feature = \"x\")] fn f() { crate::attic::roof(); }",
        "#[cfg(any(test, windows))] fn f() { crate::attic::roof(); }",
        "#[cfg(not(test))] use crate::attic::Coat;",
    ] {
        let found = imports(&house(tried), "top/tried.rs");
        assert!(found.len() == 1 && found[0].ends_with("-> attic.rs"), "{tried}: {found:?}");
    }
    assert_imports("pub(crate) fn f() {} pub(in crate::top) fn g() {} pub(super) fn h() {}", &[]);
    assert_imports("/// [`Coat`](crate::attic::Coat)\nfn f() {} // crate::attic::roof()", &[]);
}

#[test]
fn paths_in_macro_calls_count() {
    for tried in [
        "fn f() { assert!(crate::attic::roof(), \"{}\", 1); }",
        "fn f() { vec![(1, [crate::attic::Coat])]; }",
        "macro_rules! m { () => { $crate::attic::roof() } }",
        "thread_local! { static X: crate::attic::Coat = const { Y }; }",
        "m! { use crate::attic::{roof}; }",
        "m! { use crate::{attic::roof}; }",
        "crate::attic::each!();",
    ] {
        let found = imports(&house(tried), "top/tried.rs");
        assert!(found.len() == 1 && found[0].ends_with("-> attic.rs"), "{tried}: {found:?}");
    }
    assert_imports("m! { use super::sibling; }", &["1 super::sibling -> top/sibling.rs"]);
    assert_imports(
        "fn f() { m!(super::of_the_face(), x.attic, \"crate::attic::roof\"); }",
        &["1 super::of_the_face -> top.rs"],
    );
}

#[test]
fn a_macro_belongs_to_the_file_that_defines_it() {
    let files = [
        ("lib.rs", "#[macro_use] mod tools; mod user; mod other;"),
        ("tools.rs", "macro_rules! saw { () => {} } #[macro_export] macro_rules! axe { () => {} }"),
        ("user.rs", "fn f() { saw!(); }\nfn g() { vec![saw!()] }\ncrate::axe!();"),
        ("other.rs", "macro_rules! hammer { () => {} } hammer!();"),
    ];
    let expected = ["1 saw! -> tools.rs", "2 saw! -> tools.rs", "3 crate::axe -> tools.rs"];
    assert_eq!(imports(&files, "user.rs"), expected);
    assert_eq!(imports(&files, "other.rs"), Vec::<String>::new());
}

#[test]
fn tests_are_left_out() {
    for tried in [
        "#[cfg(test)] use crate::attic::Coat;",
        "#[cfg(test)] fn f() { crate::attic::roof(); }",
        "#[cfg(all(test, unix))] mod model { use crate::attic::Coat; }",
        "#[cfg(not(any(windows, not(test))))] mod model { use crate::attic::Coat; }",
        "mod tests { use crate::attic::Coat; }",
        "impl X { #[cfg(test)] fn f() { crate::attic::roof(); } }",
        "struct X { #[cfg(test)] coat: crate::attic::Coat }",
        "fn f() { #[cfg(test)] crate::attic::roof(); }",
        "fn f() { #[cfg(test)] let x = crate::attic::roof(); }",
        "fn f() { #[cfg(test)] { crate::attic::roof(); } }",
        "fn f() { X { #[cfg(test)] coat: crate::attic::Coat } }",
        "fn f() { match x { #[cfg(test)] 1 => crate::attic::roof(), _ => {} } }",
        "#![cfg(test)]\nuse crate::attic::Coat;",
    ] {
        assert_imports(tried, &[]);
    }
    let found = crate_of(&[
        ("lib.rs", "mod a; #[cfg(test)] mod support; #[cfg(test)] mod tests;"),
        ("a.rs", "#[cfg(test)] mod tests;"),
        ("a/tests/mod.rs", "mod deep; use crate::b::C;"),
        ("a/tests/deep.rs", ""),
        ("support.rs", ""),
        ("support/more.rs", ""),
        ("tests.rs", ""),
    ]);
    assert_eq!(found.files.iter().collect::<Vec<_>>(), ["a.rs", "lib.rs"]);
    assert_eq!(found.flaws, Vec::<String>::new());
}

#[test]
fn a_program_imports_from_its_library() {
    let files = [
        ("lib.rs", "pub mod a; pub struct Own;"),
        ("a.rs", ""),
        ("main.rs", "mod arguments; use house::Own;"),
        ("arguments.rs", "use house::a::X;\nuse crate::main;"),
    ];
    assert_eq!(imports(&files, "main.rs"), ["1 house::Own -> lib.rs"]);
    let expected = ["1 house::a::X -> a.rs", "2 crate::main -> main.rs"];
    assert_eq!(imports(&files, "arguments.rs"), expected);
    let within = [("lib.rs", "extern crate self as own; mod a;"), ("a.rs", "use crate::own::X;")];
    assert_eq!(imports(&within, "a.rs"), ["1 crate::own::X -> lib.rs"]);
}

#[test]
fn imports_that_go_round_in_circles_end() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::x; use crate::b::*; fn f() { x::y::z(); }"),
        ("b.rs", "use crate::a::x; use crate::a::*;"),
    ];
    assert_eq!(imports(&files, "b.rs"), ["1 crate::a -> a.rs", "1 crate::a::x -> a.rs"]);
}

const THREE: [(&str, &str); 3] =
    [("lib.rs", "mod low;\nmod high;"), ("low.rs", ""), ("high.rs", "use crate::low::X;")];

#[test]
fn an_order_that_holds_has_no_violation() {
    assert_eq!(
        violations(&crate_of(&THREE), &["low.rs", "high.rs", "lib.rs"]),
        Vec::<String>::new()
    );
}

#[test]
fn an_import_from_above_is_a_violation_that_says_where() {
    assert_eq!(
        violations(&crate_of(&THREE), &["high.rs", "low.rs", "lib.rs"]),
        [
            "high.rs:1 imports crate::low::X, which leads to low.rs, not below it",
            "this order holds:\n    \"low.rs\",\n    \"high.rs\",\n    \"lib.rs\",",
        ]
    );
}

#[test]
fn a_face_stands_above_its_children() {
    let found = crate_of(&[
        ("lib.rs", "mod folder;"),
        ("folder/mod.rs", "\nmod child;\npub struct Face;"),
        ("folder/child.rs", "use super::Face;"),
    ]);
    let circle = "a circle: folder/child.rs, folder/mod.rs";
    assert_eq!(
        violations(&found, &["folder/child.rs", "folder/mod.rs", "lib.rs"]),
        [
            "folder/child.rs:1 imports super::Face, which leads to folder/mod.rs, not below it",
            circle
        ]
    );
    assert_eq!(
        violations(&found, &["folder/mod.rs", "folder/child.rs", "lib.rs"]),
        ["folder/mod.rs:2 imports mod child, which leads to folder/child.rs, not below it", circle]
    );
}

#[test]
fn the_list_and_the_files_are_the_same() {
    // The order that is named puts it where it is needed first.
    assert_eq!(
        violations(&crate_of(&THREE), &["high.rs", "lib.rs"]),
        [
            "low.rs is not listed",
            "this order holds:\n    \"low.rs\",\n    \"high.rs\",\n    \"lib.rs\",",
        ]
    );
    let gone = violations(&crate_of(&THREE), &["low.rs", "old.rs", "high.rs", "lib.rs"]);
    assert_eq!(gone[0], "old.rs is listed, but gone");
    let twice = violations(&crate_of(&THREE), &["low.rs", "high.rs", "low.rs", "lib.rs"]);
    assert_eq!(twice[0], "low.rs is listed twice");
}

#[test]
fn what_cannot_be_followed_is_a_violation() {
    let flaws = |files: &[(&str, &str)]| violations(&crate_of(files), &["lib.rs"]).swap_remove(0);
    assert_eq!(flaws(&[("lib.rs", ""), ("lost.rs", "")]), "lost.rs belongs to no module");
    assert_eq!(flaws(&[("lib.rs", "mod a;")]), "lib.rs declares a, which has no file");
    assert_eq!(flaws(&[("lib.rs", "#[path = \"b.rs\"] mod a;")]), "lib.rs gives a another path");
    assert!(flaws(&[("lib.rs", "fn {")]).starts_with("lib.rs is not Rust: "));
}

#[test]
fn other_crates_are_seen_in_imports_paths_and_macros() {
    for tried in [
        "use ureq::Agent;",
        "use {ureq::Agent, std::fmt};",
        "use ::ureq::Agent;",
        "use ureq as http;",
        "extern crate ureq;",
        "fn f(_: ureq::Agent) {}",
        "fn f(_: ::ureq::Agent) {}",
        "fn f() { assert!(ureq::get() == ::std::x()); }",
        "fn f() { assert!(::ureq::get()); }",
    ] {
        let files = [("lib.rs", "mod a; mod net;"), ("a.rs", tried), ("net.rs", tried)];
        let found = outside(&crate_of(&files), "net", &["ureq"]);
        assert_eq!(found, ["a.rs:1 names ureq"], "{tried}");
    }
}

#[test]
fn unsafe_code_is_seen_wherever_it_stands() {
    for text in [
        "fn f() { unsafe { g() } }",
        "unsafe fn f() {}",
        "impl X { unsafe fn f() {} }",
        "trait X { unsafe fn f(); }",
        "unsafe impl Send for X {}",
        "unsafe trait X {}",
        "unsafe extern \"C\" {}",
        "struct X(unsafe extern \"C\" fn());",
        "#[unsafe(no_mangle)] fn f() {}",
        "m!(unsafe { g() });",
    ] {
        let found = crate_of(&[("lib.rs", text)]);
        assert_eq!(found.unsafe_code.len(), 1, "{text}");
    }
    let test =
        crate_of(&[("lib.rs", "#[cfg(test)] unsafe fn f() {} mod tests { unsafe fn g() {} }")]);
    assert!(test.unsafe_code.is_empty());
}
