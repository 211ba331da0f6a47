//! Finds copies of secrets in the memory of another process, or in a file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE};

/// A copy is found by any whole piece of this size: the allocator may have written over its start.
const PIECE: usize = 16;

/// What to look for: each secret in every form it may take.
pub(crate) struct Needles {
    automaton: AhoCorasick,
    /// The secret's name and form, by pattern.
    names: Vec<(String, &'static str)>,
    /// One copy in each form.
    planted: Vec<u8>,
}

impl Needles {
    pub(crate) fn of(secrets: &[(String, String)]) -> Self {
        let all = secrets.iter().flat_map(|(name, secret)| {
            forms(secret.as_bytes()).into_iter().map(move |(form, bytes)| (name, form, bytes))
        });
        Needles::in_forms(all)
    }

    /// As they are, backwards (as big numbers lie in memory), and in PEM.
    pub(crate) fn of_numbers(numbers: &[(String, Vec<u8>)]) -> Self {
        Needles::in_forms(numbers.iter().flat_map(|(name, number)| {
            let reversed = number.iter().rev().copied().collect();
            let mut forms = vec![("plain", number.clone()), ("reversed", reversed)];
            forms.extend(base64_forms(number, "Base64", &STANDARD));
            forms.into_iter().map(move |(form, bytes)| (name, form, bytes))
        }))
    }

    fn in_forms<'a>(all: impl Iterator<Item = (&'a String, &'static str, Vec<u8>)>) -> Self {
        let (mut pieces, mut names, mut planted) = (Vec::new(), Vec::new(), Vec::new());
        for (name, form, bytes) in all {
            let size = bytes.len().min(PIECE);
            assert!(size >= 8, "{name} is too short to be told from chance");
            let starts = (0..=bytes.len() - size).step_by(size).chain([bytes.len() - size]);
            for start in starts {
                pieces.push(bytes[start..start + size].to_vec());
                names.push((name.clone(), form));
            }
            planted.extend_from_slice(&bytes);
            planted.push(b'|');
        }
        let automaton = AhoCorasick::new(&pieces).unwrap();
        Needles { automaton, names, planted }
    }

    /// A copy of every secret in every form, for the control.
    pub(crate) fn planted(&self) -> &[u8] {
        &self.planted
    }

    /// All there is to find.
    pub(crate) fn all(&self) -> BTreeMap<(String, &'static str), usize> {
        let mut found = BTreeMap::new();
        self.look(&self.planted, &mut found);
        found
    }

    fn look(&self, bytes: &[u8], found: &mut BTreeMap<(String, &'static str), usize>) -> usize {
        let mut hits = 0;
        for hit in self.automaton.find_overlapping_iter(bytes) {
            *found.entry(self.names[hit.pattern().as_usize()].clone()).or_default() += 1;
            hits += 1;
        }
        hits
    }
}

impl Needles {
    /// The first hit with what is around it, to tell whose buffer it is in.
    fn surroundings(&self, bytes: &[u8]) -> String {
        let hit = self.automaton.find(bytes).map_or(0, |hit| hit.start());
        bytes[hit.saturating_sub(128)..bytes.len().min(hit + 128)].escape_ascii().to_string()
    }
}

/// Plain, UTF-16, percent-encoded as forms and strict ones do, Base64 at each offset in a group.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let percent = |keep: &dyn Fn(u8) -> bool, space: &str| {
        let encode = |&b: &u8| match b {
            b' ' => space.to_owned(),
            b if keep(b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        };
        secret.iter().map(encode).collect::<String>().into_bytes()
    };
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let form_safe = |b: u8| b.is_ascii_alphanumeric() || b"-._*".contains(&b);
    let mut forms = vec![
        ("plain", secret.to_vec()),
        ("UTF-16", secret.iter().flat_map(|&b| [b, 0]).collect()),
        ("percent", percent(&unreserved, "%20")),
        ("form", percent(&form_safe, "+")),
    ];
    for (form, engine) in [("Base64", &STANDARD), ("Base64 for URLs", &URL_SAFE)] {
        forms.extend(base64_forms(secret, form, engine));
    }
    forms
}

/// At each offset in a group of three, without the characters that hold bits of the neighbours.
fn base64_forms(
    secret: &[u8],
    form: &'static str,
    engine: &GeneralPurpose,
) -> [(&'static str, Vec<u8>); 3] {
    [0, 1, 2].map(|offset| {
        let shifted = [&vec![0; offset], secret].concat();
        let whole = (offset * 4).div_ceil(3)..shifted.len() * 4 / 3;
        (form, engine.encode(&shifted).as_bytes()[whole].to_vec())
    })
}

/// What a scan has found, by secret and form.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// In ordinary memory: what must not be.
    pub(crate) open: BTreeMap<(String, &'static str), usize>,
    /// Where the copies in ordinary memory were.
    pub(crate) places: Vec<String>,
    /// In memory that is left out of dumps, but not locked: what is under way.
    pub(crate) passing: BTreeMap<(String, &'static str), usize>,
    /// In memory that is locked and left out of dumps.
    pub(crate) protected: BTreeMap<(String, &'static str), usize>,
    /// How much was read.
    pub(crate) bytes: usize,
}

impl Found {
    /// The number of secrets of which there are open copies.
    pub(crate) fn secrets(&self) -> usize {
        let mut names: Vec<_> = self.open.keys().map(|(name, _)| name).collect();
        names.dedup();
        names.len()
    }
}

struct Mapping {
    start: u64,
    end: u64,
    is_readable: bool,
    is_locked: bool,
    is_dumped: bool,
    name: String,
}

/// The mappings of a process, by `/proc/PID/smaps`.
fn mappings(process: u32) -> io::Result<Vec<Mapping>> {
    let mut mappings: Vec<Mapping> = Vec::new();
    for line in fs::read_to_string(format!("/proc/{process}/smaps"))?.lines() {
        let head = line.split_once('-').and_then(|(start, rest)| {
            let start = u64::from_str_radix(start, 16).ok()?;
            let mut words = rest.split_whitespace();
            let end = u64::from_str_radix(words.next()?, 16).ok()?;
            Some((start, end, words.next()?.starts_with('r'), words.nth(3).unwrap_or("")))
        });
        if let Some((start, end, is_readable, name)) = head {
            let name = name.to_owned();
            let (is_locked, is_dumped) = (false, true);
            mappings.push(Mapping { start, end, is_readable, is_locked, is_dumped, name });
        } else if let (Some(flags), Some(last)) =
            (line.strip_prefix("VmFlags:"), mappings.last_mut())
        {
            let has = |wanted| flags.split_whitespace().any(|flag| flag == wanted);
            (last.is_locked, last.is_dumped) = (has("lo"), !has("dd"));
        }
    }
    Ok(mappings)
}

/// Reads all readable memory of a process.
pub(crate) fn process(process: u32, needles: &Needles) -> io::Result<Found> {
    let memory = File::open(format!("/proc/{process}/mem"))?;
    let mut found = Found::default();
    // The kernel's own pages for reading its clocks cannot be read from outside.
    let readable = |mapping: &Mapping| mapping.is_readable && !mapping.name.starts_with("[v");
    for mapping in mappings(process)?.into_iter().filter(readable) {
        let mut bytes = vec![0; usize::try_from(mapping.end - mapping.start).unwrap()];
        memory.read_exact_at(&mut bytes, mapping.start)?;
        found.bytes += bytes.len();
        let map = match (mapping.is_dumped, mapping.is_locked) {
            (true, _) => &mut found.open,
            (false, false) => &mut found.passing,
            (false, true) => &mut found.protected,
        };
        let hits = needles.look(&bytes, map);
        if hits > 0 && mapping.is_dumped {
            let name = Some(mapping.name.as_str()).filter(|name| !name.is_empty());
            let name = name.unwrap_or("anonymous memory");
            found.places.push(format!("{hits} in {name}: {}", needles.surroundings(&bytes)));
        }
    }
    Ok(found)
}

/// Reads a file, such as a core dump.
pub(crate) fn file(path: &Path, needles: &Needles) -> io::Result<Found> {
    let bytes = fs::read(path)?;
    let mut found = Found { bytes: bytes.len(), ..Found::default() };
    let hits = needles.look(&bytes, &mut found.open);
    if hits > 0 {
        found.places.push(format!("{hits} in the file: {}", needles.surroundings(&bytes)));
    }
    Ok(found)
}
