//! HTTPS by ureq and rustls.

use std::fmt;
use std::io::Read;

use http::header::HeaderValue;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

use crate::error::{Error, ErrorKind, Phase};
use crate::secret::SecretBuf;
use crate::transport::{Attempt, MAX_ANSWER, Request, Response, Transport};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) user_agent: String,
    pub(crate) ca_pem: Vec<Vec<u8>>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            user_agent: concat!("caretoken/", env!("CARGO_PKG_VERSION")).to_owned(),
            ca_pem: Vec::new(),
        }
    }
}

pub(crate) struct HttpsTransport {
    agent: ureq::Agent,
}

impl HttpsTransport {
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        let mut certs = Vec::new();
        for pem in &settings.ca_pem {
            for item in ureq::tls::parse_pem(pem) {
                if let Ok(PemItem::Certificate(c)) = item {
                    certs.push(c);
                }
            }
        }
        let _: &Vec<Certificate<'static>> = &certs;
        let roots =
            if certs.is_empty() { RootCerts::WebPki } else { RootCerts::new_with_certs(&certs) };
        let config = ureq::Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(&settings.user_agent)
            .build();
        Ok(HttpsTransport { agent: config.new_agent() })
    }
}

impl fmt::Debug for HttpsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpsTransport")
    }
}

impl Transport for HttpsTransport {
    fn send(&self, request: &Request, attempt: &Attempt) -> Result<Response, Error> {
        let left = attempt.remaining(Phase::Connect)?;
        let mut builder =
            self.agent.post(request.url()).config().timeout_global(Some(left)).build();
        for (name, value) in request.headers() {
            let mut v = HeaderValue::from_str(value.expose_secret())
                .map_err(|_| Error::new(ErrorKind::Internal, Phase::Send))?;
            v.set_sensitive(true);
            builder = builder.header(name, v);
        }
        let mut response = builder.send(request.body().expose_secret()).map_err(|e| map(&e))?;
        let mut body = SecretBuf::with_capacity(4096);
        let mut chunk = [0; 4096];
        let mut reader = response.body_mut().as_reader();
        loop {
            match reader.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) if body.len() + n > MAX_ANSWER => {
                    return Err(Error::new(ErrorKind::AnswerTooLarge, Phase::Receive));
                }
                Ok(n) => body.push(&chunk[..n]),
                Err(_) => return Err(Error::new(ErrorKind::ConnectionLost, Phase::Receive)),
            }
        }
        let headers: Vec<_> = Response::HEADERS
            .iter()
            .filter_map(|name| Some((*name, response.headers().get(*name)?.to_str().ok()?)))
            .collect();
        Ok(Response::new(response.status().as_u16(), &headers, body))
    }
}

fn map(error: &ureq::Error) -> Error {
    match error {
        ureq::Error::Timeout(_) => Error::new(ErrorKind::Timeout, Phase::Receive),
        ureq::Error::HostNotFound => Error::new(ErrorKind::Resolve, Phase::Resolve),
        ureq::Error::Rustls(_) => Error::new(ErrorKind::Tls, Phase::Tls),
        _ => Error::new(ErrorKind::Connect, Phase::Connect),
    }
}
