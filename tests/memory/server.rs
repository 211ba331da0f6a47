//! A server that answers as it is told: in part, or clients with a certificate alone.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

pub(crate) struct Server {
    pub(crate) base_url: String,
    pub(crate) ca_pem: String,
    /// Gets a word when an answer was cut off.
    pub(crate) stopped: Receiver<()>,
    /// Gets each request.
    pub(crate) requests: Receiver<Vec<u8>>,
}

/// A CA, for the server and for clients.
pub(crate) struct Ca {
    pem: String,
    der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Memory Test CA");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem(), certificate.der().to_vec());
        Ca { pem, der, issuer: Issuer::new(params, key) }
    }

    /// A certificate for this key.
    pub(crate) fn certify(&self, key: &KeyPair) -> rcgen::Certificate {
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        params.signed_by(key, &self.issuer).unwrap()
    }

    /// Answers each request on a connection with this body, or only with so many bytes of it; then
    /// it goes silent. It may insist on a client certificate.
    pub(crate) fn serve(&self, body: &str, shown: usize, is_mutual: bool) -> Server {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone().into()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
        let key = KeyPair::generate().unwrap();
        let chain = vec![self.certify(&key).der().clone()];
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match is_mutual {
            true => builder.with_client_cert_verifier(verifier.build().unwrap()),
            false => builder.with_no_client_auth(),
        };
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = Arc::new(builder.with_single_cert(chain, key).unwrap());

        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        let head = format!("{head}content-length: {}\r\n\r\n", body.len());
        let is_whole = shown == body.len();
        let shown = match shown {
            0 => String::new(),
            shown => head + &body[..shown],
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let base_url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let (tell, stopped) = channel();
        let (record, requests) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream =
                    StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
                let (tell, record, shown) = (tell.clone(), record.clone(), shown.clone());
                // A client that ends is no failure.
                thread::spawn(move || {
                    let mut request = [0; 8192];
                    loop {
                        let read = stream.read(&mut request)?;
                        if read == 0 {
                            return std::io::Result::Ok(());
                        }
                        let _nobody_may_look = record.send(request[..read].to_vec());
                        stream.write_all(shown.as_bytes())?;
                        if !is_whole {
                            let _nobody_may_wait = tell.send(());
                        }
                    }
                });
            }
        });
        Server { base_url, ca_pem: self.pem.clone(), stopped, requests }
    }
}
