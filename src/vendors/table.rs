//! The one list of vendors.

use super::{edvak, ehealth, parchment, pattern};
use crate::error::Error;
use crate::profile::Profile;

pub(crate) static PROFILES: &[&Profile] =
    &[&parchment::PROFILE, &ehealth::PROFILE, &edvak::PROFILE, &pattern::PROFILE];

/// The profile of that name, or an error that lists the names.
pub(crate) fn by_name(name: &str) -> Result<&'static Profile, Error> {
    PROFILES.iter().copied().find(|profile| profile.vendor == name).ok_or_else(|| {
        let names: Vec<_> = PROFILES.iter().map(|profile| profile.vendor).collect();
        Error::setting("vendor", "is unknown", format!("use one of: {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Body, FormPart, HeaderPart, JsonPart};

    fn used_in_json(members: &[(&'static str, JsonPart)], used: &mut Vec<&'static str>) {
        for (_, part) in members {
            match part {
                JsonPart::Credential(name) => used.push(name),
                JsonPart::Object(inner) => used_in_json(inner, used),
                JsonPart::Text(_) | JsonPart::ScopeArray => {}
            }
        }
    }

    #[test]
    fn every_profile_uses_exactly_the_credentials_it_names() {
        for profile in PROFILES {
            let mut used = Vec::new();
            for (_, part) in profile.headers {
                match part {
                    HeaderPart::Credential(name) | HeaderPart::Bearer(name) => used.push(*name),
                    HeaderPart::Basic { user, password } => used.extend([*user, *password]),
                }
            }
            match profile.body {
                Body::Json(members) => used_in_json(members, &mut used),
                Body::Form(fields) => used.extend(fields.iter().filter_map(|(_, f)| match f {
                    FormPart::Credential(name) => Some(*name),
                    FormPart::Text(_) => None,
                })),
            }
            let mut named: Vec<_> = profile.credentials.iter().map(|known| known.name).collect();
            used.sort_unstable();
            named.sort_unstable();
            assert_eq!(used, named, "{}", profile.vendor);
        }
    }

    #[test]
    fn a_vendor_is_found_by_name_and_an_unknown_one_lists_them() {
        assert_eq!(by_name("edvak").unwrap().vendor, "edvak");
        let error = by_name("epic").unwrap_err();
        assert_eq!(error.field(), Some("vendor"));
        let names: Vec<_> = PROFILES.iter().map(|profile| profile.vendor).collect();
        assert_eq!(error.remedy(), format!("use one of: {}", names.join(", ")));
    }

    /// Texts for people that list the vendors, and cannot be made of the table.
    #[test]
    fn every_text_that_lists_the_vendors_lists_all() {
        let names: Vec<_> = PROFILES.iter().map(|profile| profile.vendor).collect();
        let [others @ .., last] = names.as_slice() else { panic!("no vendors") };
        let either = format!("{} or {last}", others.join(", "));
        for (file, list) in [
            ("src/capi/config.rs", format!("vendor is {either}.")),
            ("src/builder/client_builder.rs", format!("a vendor's name, one of {either},")),
            ("cbindgen.toml", format!("standard: {}.", names.join(", "))),
            ("include/caretoken.hpp", format!("For {either}.")),
            ("examples/doctor.rs", either.clone()),
            ("examples/quickstart.rs", either.clone()),
        ] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            let text = std::fs::read_to_string(path).unwrap();
            let words: Vec<_> = text.split_whitespace().filter(|word| *word != "///").collect();
            let text = words.join(" ").replace('`', "");
            assert!(text.contains(&list), "{file} does not say: {list}");
        }
    }
}
