//! A file of the host's: read whole, or said why not.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

/// Reads a file of at most so many bytes. Otherwise says what is wrong with it, for an error about what
/// holds its path.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    // A pipe or device may never end. What a directory is, the system says itself.
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return Err("is not a regular file".to_owned());
    }
    let mut content = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut content));
    match read {
        Ok(length) if length as u64 > most => Err(format!("is larger than {} KiB", most >> 10)),
        Ok(_) => Ok(content),
        Err(error) => {
            // What the system says, without the number in parentheses behind it.
            let words = error.to_string();
            let end = words.rfind('(').unwrap_or(words.len());
            Err(format!("cannot be read ({})", words[..end].trim_end()))
        }
    }
}
