//! Trust in the system's certificate store. Where that is, the environment says, which is the whole
//! process's: each case runs in a process of its own, which is this test program again.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use super::peer::{Ca, OK, Peer, post, settings};
use super::trust::serving;
use crate::transport::{HttpsTransport, Settings, TlsStack, TrustRoots};

const URL: &str = "CARETOKEN_TEST_URL";
const SETTINGS: &str = "CARETOKEN_TEST_SETTINGS";
const CA_FILE: &str = "CARETOKEN_TEST_CA_FILE";
const GARBAGE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/// One POST, in a process that the tests below start; nothing in any other.
#[test]
fn the_child() {
    let (Ok(url), Ok(chosen)) = (env::var(URL), env::var(SETTINGS)) else { return };
    let (tls_stack, roots) = match chosen.as_str() {
        "roots=bundled" => (TlsStack::Rustls, Some(TrustRoots::Bundled)),
        "roots=system" => (TlsStack::Rustls, Some(TrustRoots::System)),
        "tls=system" => (TlsStack::System, None),
        "tls=system roots=none" => (TlsStack::System, Some(TrustRoots::None)),
        other => panic!("{other}"),
    };
    let ca_pem = env::var(CA_FILE).ok().map(|path| fs::read(path).unwrap());
    let settings = Settings { tls_stack, roots, ca_pem, ..settings() };
    match HttpsTransport::new(settings).and_then(|transport| post(&transport, url)) {
        Ok(response) => println!("met: status {}", response.status()),
        Err(error) => println!("met: {error}"),
    }
}

/// What a client meets at `peer` in a process with this environment.
fn met(chosen: &str, peer: &Peer, environment: &[(&str, &Path)]) -> String {
    let child = "transport::tests::system_roots::the_child";
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", child, "--nocapture"]);
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    command.env(URL, peer.url()).env(SETTINGS, chosen).envs(environment.iter().copied());
    let output = command.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let (_, met) = printed.split_once("met: ").unwrap_or_else(|| panic!("{printed}"));
    met.lines().next().unwrap().to_owned()
}

/// Files for one test, removed in the end.
struct Files(PathBuf);

impl Files {
    fn new(test: &str) -> Files {
        let path = env::temp_dir().join(format!("caretoken-{test}-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Files(path)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn a_hospitals_ca_in_the_store_is_trusted_when_asked_for() {
    let (files, hospital) = (Files::new("store"), Ca::new("Hospital CA"));
    let peer = serving(&hospital.vendor());
    let store = files.write("store.pem", &hospital.pem);
    let store = [("SSL_CERT_FILE", store.as_path())];
    assert_eq!(met("roots=system", &peer, &store), "status 200");
    let refused = met("roots=bundled", &peer, &store);
    assert!(refused.contains("\"Hospital CA\", comes from an issuer that is not"), "{refused}");
}

#[cfg(feature = "native-tls")]
#[test]
fn the_systems_tls_trusts_the_store_unless_it_is_told_not_to() {
    let (files, hospital) = (Files::new("system"), Ca::new("Hospital CA"));
    let store = files.write("store.pem", &hospital.pem);
    let ca_file = files.write("ca.pem", &Ca::trusted().pem);
    let both = [("SSL_CERT_FILE", store.as_path()), (CA_FILE, &ca_file)];
    let (in_store, in_file) = (serving(&hospital.vendor()), Peer::answering(OK));
    for peer in [&in_store, &in_file] {
        assert_eq!(met("tls=system", peer, &both), "status 200");
    }
    assert!(met("tls=system", &in_file, &both[..1]).contains("is not trusted"));
    assert_eq!(met("tls=system roots=none", &in_file, &both), "status 200");
    let refused = met("tls=system roots=none", &in_store, &both);
    assert!(refused.contains("is not trusted"), "{refused}");
}

#[test]
fn others_than_those_in_the_store_are_explained_as_ever() {
    let (files, hospital) = (Files::new("others"), Ca::new("Hospital CA"));
    let peer = Peer::answering(OK);
    let store = files.write("store.pem", &hospital.pem);
    let refused = met("roots=system", &peer, &[("SSL_CERT_FILE", &store)]);
    assert!(refused.contains("\"Trusted Test CA\", comes from an issuer that is not"), "{refused}");
    // What ca_file holds comes on top.
    let ca_file = files.write("ca.pem", &Ca::trusted().pem);
    let both = [("SSL_CERT_FILE", store.as_path()), (CA_FILE, &ca_file)];
    assert_eq!(met("roots=system", &peer, &both), "status 200");
    assert_eq!(met("roots=system", &serving(&hospital.vendor()), &both), "status 200");
}

#[test]
fn one_unreadable_certificate_spoils_no_store() {
    let (files, hospital) = (Files::new("garbage"), Ca::new("Hospital CA"));
    let peer = serving(&hospital.vendor());
    let store = files.write("store.pem", &format!("{GARBAGE}{}", hospital.pem));
    assert_eq!(met("roots=system", &peer, &[("SSL_CERT_FILE", &store)]), "status 200");
    let directory = Files::new("directory");
    directory.write("garbage.pem", GARBAGE);
    directory.write("no-base64.pem", &GARBAGE.replace("AAAA", "hunter2!"));
    directory.write("hospital.pem", &hospital.pem);
    assert_eq!(met("roots=system", &peer, &[("SSL_CERT_DIR", &directory.0)]), "status 200");
}

#[test]
fn a_store_that_is_missing_or_empty_is_told_when_the_client_is_built() {
    let (files, peer) = (Files::new("empty"), Peer::answering(OK));
    let empty = files.write("empty.pem", "");
    let garbage = files.write("garbage.pem", GARBAGE);
    for store in [&files.0.join("none.pem"), &empty, &garbage] {
        let told = met("roots=system", &peer, &[("SSL_CERT_FILE", store)]);
        assert!(told.contains("roots asks for the system's certificate store"), "{told}");
        assert!(told.contains("correct SSL_CERT_FILE"), "{told}");
    }
    assert_eq!(peer.accepted(), 0);
}
