//! A client that trusts the sandbox, and one right request per vendor to depart from.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use caretoken_sandbox::{Sandbox, Vendor};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn access_token(&self, vendor: Vendor) -> String {
        let pointer = match vendor {
            Vendor::Parchment => "/data/accessToken",
            Vendor::Ehealth => "/data/value",
            Vendor::Edvak => "/token/access_token",
            Vendor::Pattern => "/access_token",
        };
        self.json().pointer(pointer).unwrap().as_str().unwrap().to_owned()
    }
}

/// A request to take apart.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Call {
    /// The request that the vendor's documents show.
    pub(crate) fn token(sandbox: &Sandbox, vendor: Vendor) -> Call {
        let url = sandbox.base_url(vendor)
            + match vendor {
                Vendor::Parchment => "/v1/token",
                Vendor::Ehealth => "/oauth/tokens",
                Vendor::Edvak => "/ccda/ccda/generate-token",
                Vendor::Pattern => "/api/auth/token",
            };
        let its = |name: &str| sandbox.credential(vendor, name);
        let (headers, body) = match vendor {
            Vendor::Parchment => (
                vec![
                    ("content-type", "application/json".to_owned()),
                    ("x-partner-id", its("partner_id")),
                    ("x-partner-secret", its("partner_secret")),
                    ("x-organization-id", its("organization_id")),
                    ("x-organization-secret", its("organization_secret")),
                    ("x-user-id", its("user_id")),
                ],
                json!({
                    "grantType": "client_credentials",
                    "scope": ["create:patient", "read:patient_prescription"],
                })
                .to_string(),
            ),
            Vendor::Ehealth => (
                vec![("content-type", "application/json".to_owned())],
                json!({"token": {
                    "grant_type": "refresh_token",
                    "client_id": its("client_id"),
                    "client_secret": its("client_secret"),
                    "refresh_token": its("refresh_token"),
                }})
                .to_string(),
            ),
            Vendor::Edvak => (
                vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
                form(&["client_id", "client_secret", "username", "password"].map(|n| (n, its(n)))),
            ),
            Vendor::Pattern => (
                vec![
                    ("authorization", basic(&its("client_id"), &its("client_secret"))),
                    ("accept", "application/json".to_owned()),
                    ("content-type", "application/x-www-form-urlencoded".to_owned()),
                ],
                "grant_type=client_credentials".to_owned(),
            ),
        };
        Call { method: "POST", url, headers, body }
    }

    /// A request to the protected resource.
    pub(crate) fn resource(sandbox: &Sandbox, vendor: Vendor, access_token: &str) -> Call {
        let mut headers = vec![("authorization", format!("Bearer {access_token}"))];
        if vendor == Vendor::Parchment {
            let secret = sandbox.credential(vendor, "organization_secret");
            headers.push(("x-organization-secret", secret));
        }
        Call { method: "GET", url: sandbox.resource_url(vendor), headers, body: String::new() }
    }

    pub(crate) fn method(mut self, method: &'static str) -> Call {
        self.method = method;
        self
    }

    /// Sets a header.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Call {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Call {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<String>) -> Call {
        self.body = body.into();
        self
    }

    /// Changes the JSON body.
    pub(crate) fn edit(self, change: impl FnOnce(&mut Value)) -> Call {
        let mut body = serde_json::from_str(&self.body).unwrap();
        change(&mut body);
        self.body(body.to_string())
    }

    pub(crate) fn send(&self, sandbox: &Sandbox) -> Answer {
        self.try_send(&agent(sandbox)).unwrap()
    }

    pub(crate) fn try_send(&self, agent: &Agent) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(self.method).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut response = match self.method {
            "GET" => agent.run(request.body(()).unwrap())?,
            _ => agent.run(request.body(self.body.as_str()).unwrap())?,
        };
        let headers = response.headers().iter();
        let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned()));
        Ok(Answer {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body: response.body_mut().read_to_vec()?,
        })
    }
}

/// A client that trusts this sandbox alone and shows every answer as it is.
pub(crate) fn agent(sandbox: &Sandbox) -> Agent {
    let ca = Certificate::from_pem(sandbox.ca_pem().as_bytes()).unwrap();
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[ca])).build();
    Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into()
}

pub(crate) fn sandbox() -> Sandbox {
    Sandbox::start().unwrap()
}

/// A token fetched as the documents show.
pub(crate) fn fetch(sandbox: &Sandbox, vendor: Vendor) -> String {
    Call::token(sandbox, vendor).send(sandbox).access_token(vendor)
}

/// The status of the protected resource for this token.
pub(crate) fn probe(sandbox: &Sandbox, vendor: Vendor, access_token: &str) -> u16 {
    Call::resource(sandbox, vendor, access_token).send(sandbox).status
}

pub(crate) fn basic(client_id: &str, client_secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client_id}:{client_secret}")))
}

/// Form-encodes with everything but letters and digits escaped.
pub(crate) fn form(fields: &[(&str, String)]) -> String {
    let escape = |value: &str| -> String {
        let bytes = value.bytes();
        bytes
            .map(|byte| match byte {
                byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
    pairs.join("&")
}

/// The payload of a token that must have the shape of a JWT.
pub(crate) fn jwt_payload(token: &str) -> Value {
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "{token}");
    assert!(!URL_SAFE_NO_PAD.decode(parts[2]).unwrap().is_empty());
    let header: Value = decode(parts[0]);
    assert_eq!(header["alg"], "none");
    let payload = decode(parts[1]);
    assert!(payload["jti"].is_string() && payload["iss"].is_string());
    payload
}

fn decode(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The names of an object's members, sorted.
pub(crate) fn members(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

pub(crate) fn unix_now() -> u64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// Whether two Unix times are the same but for the time a test takes.
pub(crate) fn close(one: u64, other: u64) -> bool {
    one.abs_diff(other) <= 30
}
