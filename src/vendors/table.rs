//! The one list of profiles that are compiled in.

use std::sync::Arc;

use once_cell::race::OnceBox;

use crate::error::Error;
use crate::profile::{Definition, parse};

/// A profile that is compiled in.
struct BuiltIn {
    name: &'static str,
    text: &'static str,
    /// Read once, when it is first asked for.
    definition: OnceBox<Arc<Definition>>,
}

macro_rules! built_in {
    ($($name:literal,)*) => {
        static PROFILES: [BuiltIn; [$($name,)*].len()] = [$(BuiltIn {
            name: $name,
            text: include_str!(concat!("../../profiles/", $name, ".json")),
            definition: OnceBox::new(),
        },)*];

        /// Their names for C, with a NUL behind each.
        #[cfg(any(test, feature = "capi"))]
        pub(crate) const NAMES_FOR_C: &[&str] = &[$(concat!($name, "\0"),)*];
    };
}

built_in![
    "parchment",
    "ehealth",
    "edvak",
    "pattern",
    "oauth2-client-credentials",
    "oauth2-password",
    "oauth2-refresh-token",
    "oauth2-jwt-bearer",
];

/// Their names.
pub(crate) fn names() -> impl ExactSizeIterator<Item = &'static str> {
    PROFILES.iter().map(|profile| profile.name)
}

/// The profile of that name, or an error that lists the names.
pub(crate) fn by_name(name: &str) -> Result<Arc<Definition>, Error> {
    let Some(profile) = PROFILES.iter().find(|profile| profile.name == name) else {
        let names: Vec<_> = names().collect();
        return Err(Error::setting(
            "vendor",
            "is unknown",
            format!("use one of: {}", names.join(", ")),
        ));
    };
    let definition = profile.definition.get_or_try_init(|| {
        parse(profile.text.as_bytes()).map(|definition| Box::new(Arc::new(definition)))
    })?;
    Ok(Arc::clone(definition))
}

/// The text of the profile of that name.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    PROFILES.iter().find(|profile| profile.name == name).map(|profile| profile.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_can_be_read_and_has_the_name_of_its_file() {
        for name in names() {
            let definition = by_name(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(&*definition.name, name);
            assert!(!definition.title.is_empty());
            assert!(definition.parameters.iter().all(|known| !known.about.is_empty()), "{name}");
        }
    }

    #[test]
    fn a_vendor_is_found_by_name_and_an_unknown_one_lists_them() {
        let error = by_name("epic").unwrap_err();
        assert_eq!(error.field(), Some("vendor"));
        let names: Vec<_> = names().collect();
        assert_eq!(error.remedy(), format!("use one of: {}", names.join(", ")));
    }
}
