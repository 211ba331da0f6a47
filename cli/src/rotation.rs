//! Where a new refresh token goes that the vendor hands out in place of the old one.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use caretoken::{Profile, Secret};
use tempfile::NamedTempFile;

use crate::failure::{Failure, words};

/// A file for the new refresh token. It appears whole or not at all, and only its owner can read it.
pub(crate) struct Store {
    path: PathBuf,
}

impl Store {
    /// The store that was asked for. Where the vendor may replace the refresh token and nobody says
    /// where to keep it, nothing is sent: the old one may be dead then, and the new one lost.
    pub(crate) fn open(profile: &Profile, path: Option<&Path>) -> Result<Option<Self>, Failure> {
        let may_rotate = profile.parameters().any(|known| known.name() == "refresh_token");
        match path {
            None if may_rotate => Err(Failure::usage(
                format!(
                    "{} may replace the refresh token, and the new one would be lost",
                    profile.name()
                ),
                "say where to store it: --store-refresh-token PATH",
            )),
            None => Ok(None),
            Some(_) if !may_rotate => Err(Failure::usage(
                format!("--store-refresh-token has no meaning for {}", profile.name()),
                "leave it out: the profile takes no refresh token",
            )),
            Some(path) => Store::at(path).map(Some),
        }
    }

    /// Makes sure, before the vendor is asked, that a file can be written: afterwards is too late.
    fn at(path: &Path) -> Result<Self, Failure> {
        // What a link leads to is replaced, and not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let remedy = "give the path of a file, in a directory that can be written";
        if path.is_dir() {
            let message = format!("{} is a directory", path.display());
            return Err(Failure::usage(message, remedy));
        }
        let new_file = NamedTempFile::new_in(directory(&path));
        new_file.map_err(|error| Failure::file(path.display(), &error, remedy))?;
        Ok(Store { path })
    }

    /// Replaces the file. Where that fails, another one keeps the token, which the error names.
    pub(crate) fn put(&self, refresh_token: &Secret) -> Result<(), String> {
        self.replace(refresh_token).map_err(|error| {
            let error = words(&error);
            let kept = written(&std::env::temp_dir(), refresh_token);
            match kept.and_then(|file| Ok(file.keep()?)) {
                Ok((_, path)) => format!("{error}; it is in {} instead", path.display()),
                Err(_) => format!("{error}; it is lost"),
            }
        })
    }

    fn replace(&self, refresh_token: &Secret) -> io::Result<()> {
        let directory = directory(&self.path);
        written(directory, refresh_token)?.persist(&self.path)?;
        // The name is durable once its directory is.
        #[cfg(unix)]
        fs::File::open(directory)?.sync_all()?;
        Ok(())
    }
}

/// A new file with the token in it, on the disk.
fn written(directory: &Path, refresh_token: &Secret) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(refresh_token.expose_secret().as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_cannot_be_stored_in_its_place_is_kept_in_another() {
        let directory = TempDir::new().unwrap();
        let Ok(store) = Store::at(&directory.path().join("refresh-token")) else { panic!() };
        directory.close().unwrap();
        let told = store.put(&Secret::from("fake-refresh-token")).unwrap_err();
        let place = told.split("; it is in ").nth(1).unwrap().strip_suffix(" instead").unwrap();
        assert_eq!(fs::read_to_string(place).unwrap(), "fake-refresh-token");
        fs::remove_file(place).unwrap();
        assert!(!told.contains("fake-"), "{told}");
    }

    #[cfg(unix)]
    #[test]
    fn the_target_of_a_link_is_replaced() {
        let directory = TempDir::new().unwrap();
        let (target, link) = (directory.path().join("target"), directory.path().join("link"));
        fs::write(&target, "fake-old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let Ok(store) = Store::at(&link) else { panic!() };
        store.put(&Secret::from("fake-new")).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "fake-new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
