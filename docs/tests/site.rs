//! What `docs/build` holds the site against: `docs/check-links` finds each sort of broken link, and
//! `docs/plots` refuses figures that it cannot draw.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn have_python() -> bool {
    let runs = Command::new("python3").arg("--version").output().is_ok();
    if !runs {
        // Not by `eprintln`, which nobody sees while the test passes.
        let _nowhere_else_to_say_it = writeln!(io::stderr(), "skipped: needs python3");
    }
    runs
}

fn run(script: &str, arguments: &[&Path]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    Command::new("python3").arg(script).args(arguments).output().unwrap()
}

fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

const PAGE: &str = r##"<!doctype html><link rel="stylesheet" href="style.css"><script src="script.js"></script>
<a href="sub/page.html#there">a</a> <a href="#here">b</a> <a href="https://elsewhere.example/x">c</a>
<h2 id="here">d</h2>"##;

/// What the checker says of a site that is whole but for what stands besides on its first page, and in its
/// style sheet.
fn check(name: &str, besides: &str, style: &str) -> Result<String, String> {
    let site = folder(
        name,
        &[
            ("index.html", &format!("{PAGE}\n{besides}")),
            ("sub/page.html", "<a href=\"../index.html\">up</a><p id=there>there</p>"),
            ("style.css", style),
            ("font.woff2", ""),
            ("script.js", ""),
        ],
    );
    let output = run("check-links", &[&site]);
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

#[test]
fn a_whole_site_passes() {
    if have_python() {
        let said = check("whole", "", "@font-face { src: url('font.woff2') }").unwrap();
        assert_eq!(said, "2 pages, 6 links, none broken\n");
    }
}

#[test]
fn each_sort_of_broken_link_is_found_and_named() {
    if !have_python() {
        return;
    }
    let broken = [
        ("file", "<a href='sub/none.html'>x</a>", "sub/none.html: there is no such file"),
        ("anchor", "<a href='sub/page.html#none'>x</a>", "#none: there is no such anchor"),
        ("own-anchor", "<a href='#none'>x</a>", "#none: there is no such anchor"),
        ("folder", "<a href='sub/'>x</a>", "sub/ is a folder"),
        ("root", "<a href='/sub/page.html'>x</a>", "begins at the root"),
        ("outside", "<a href='../../x.html'>x</a>", "leads out of the site"),
        ("script", "<script src='https://cdn.example/x.js'></script>", "loaded from elsewhere"),
        ("host", "<img src='//cdn.example/x.png'>", "loaded from elsewhere"),
        ("image", "<img src='none.png'>", "none.png: there is no such file"),
        ("style", "<style>@import 'https://cdn.example/x.css';</style>", "loaded from elsewhere"),
        ("sheet", "<link rel='stylesheet' href='none.css'>", "none.css: there is no such file"),
    ];
    for (name, besides, problem) in broken {
        let said = check(name, besides, "").unwrap_err();
        assert!(said.starts_with("index.html:4: ") && said.contains(problem), "{name}: {said}");
        assert!(said.contains("1 of "), "{name}: {said}");
    }
    let said = check("font", "", "a { src: url(https://cdn.example/f.woff2) }").unwrap_err();
    assert!(said.starts_with("style.css:0: ") && said.contains("loaded from elsewhere"), "{said}");
}

#[test]
fn a_site_without_a_first_page_is_none() {
    if have_python() {
        let output = run("check-links", &[&folder("nothing", &[("x.txt", "")])]);
        assert!(!output.status.success());
        assert!(String::from_utf8(output.stderr).unwrap().contains("has no index.html"));
    }
}

#[test]
fn the_recorded_figures_are_drawn_and_others_are_refused() {
    if !have_python() {
        return;
    }
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/recorded");
    let to = folder("plots", &[]);
    let output = run("plots", &[&recorded, &to]);
    assert!(output.status.success(), "{}", String::from_utf8(output.stderr).unwrap());
    let drawn = fs::read_to_string(to.join("fetch.svg")).unwrap();
    for text in ["libcurl + cJSON", "cold", "reconnect", "warm", "1658 µs"] {
        assert!(drawn.contains(&format!(">{text}</text>")), "{text}");
    }

    let fetch = fs::read_to_string(recorded.join("fetch.tsv")).unwrap();
    let cached = fs::read_to_string(recorded.join("cached.tsv")).unwrap();
    let refused = [
        (fetch.replace("\t841\t892", "\t841"), "5 columns in place of 6"),
        (fetch.replace("\t841\t892", "\tx\t892"), "'x' is no number"),
        (fetch.replace(", warm\t", ", hot\t"), "no row ends in warm"),
        (fetch.replace("CPU µs", "CPU"), "no column CPU µs"),
    ];
    for (fetch, problem) in refused {
        let from = folder("refused", &[("fetch.tsv", &fetch), ("cached.tsv", &cached)]);
        let output = run("plots", &[&from, &to]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(problem), "{problem}: {said}");
    }
    let from = folder("refused", &[("fetch.tsv", &fetch)]);
    let output = run("plots", &[&from, &to]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("make it by: cargo bench --bench cached"), "{said}");
}
