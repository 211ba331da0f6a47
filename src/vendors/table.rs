//! The one list of vendors.

use super::{edvak, ehealth, parchment, pattern};
use crate::error::Error;
use crate::profile::Profile;

pub(crate) static PROFILES: [&Profile; 4] =
    [&parchment::PROFILE, &ehealth::PROFILE, &edvak::PROFILE, &pattern::PROFILE];

/// The profile of that name, or an error that lists the names.
pub(crate) fn by_name(name: &str) -> Result<&'static Profile, Error> {
    PROFILES.into_iter().find(|profile| profile.vendor == name).ok_or_else(|| {
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
        assert_eq!(error.remedy(), "use one of: parchment, ehealth, edvak, pattern");
    }
}
