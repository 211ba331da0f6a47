//! The variable `NO_PROXY`: hosts that are reached without the proxy.

use std::net::IpAddr;

use crate::transport::url::{Host, parse_port, split_port, without_dot};

/// The hosts that are reached without the proxy.
pub(super) struct NoProxy(Vec<Entry>);

struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

enum Hosts {
    All,
    /// The name itself and everything below it.
    Below(String),
    /// The addresses that begin with the first bits of this one.
    Net(IpAddr, u8),
}

impl NoProxy {
    /// Ignores entries that make no sense: the list is shared with other programs.
    pub(super) fn parse(list: &str) -> Self {
        let entries = list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty());
        NoProxy(entries.filter_map(Entry::parse).collect())
    }

    pub(super) fn contains(&self, host: &Host, port: u16) -> bool {
        self.0
            .iter()
            .any(|entry| entry.port.is_none_or(|only| only == port) && entry.hosts.contain(host))
    }
}

impl Entry {
    fn parse(entry: &str) -> Option<Self> {
        // An IPv6 address without brackets has colons of its own, and no port.
        let bare = !entry.starts_with('[') && entry.matches(':').count() > 1;
        let (host, port) = if bare { (entry, None) } else { split_port(entry).ok()? };
        let port = match port {
            Some(digits) => Some(parse_port(digits)?),
            None => None,
        };
        Some(Entry { hosts: Hosts::parse(host)?, port })
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Hosts::All);
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address = address.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = address.parse::<IpAddr>() {
            let all = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.unwrap_or(all);
            return (bits <= all).then_some(Hosts::Net(address, bits));
        }
        let name = text.strip_prefix("*.").unwrap_or(text);
        let name = name.trim_matches('.').to_ascii_lowercase();
        (bits.is_none() && !name.is_empty()).then_some(Hosts::Below(name))
    }

    fn contain(&self, host: &Host) -> bool {
        match (self, host) {
            (Hosts::All, _) => true,
            (Hosts::Below(domain), Host::Name(name)) => {
                let below = without_dot(name).strip_suffix(domain.as_str());
                below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            (Hosts::Net(IpAddr::V4(net), bits), Host::Ip(IpAddr::V4(ip))) => {
                let differ = net.to_bits() ^ ip.to_bits();
                differ.checked_shr(32 - u32::from(*bits)).unwrap_or(0) == 0
            }
            (Hosts::Net(IpAddr::V6(net), bits), Host::Ip(IpAddr::V6(ip))) => {
                let differ = net.to_bits() ^ ip.to_bits();
                differ.checked_shr(128 - u32::from(*bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}
