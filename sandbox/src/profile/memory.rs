//! What a played profile remembers between requests. All of it is bounded: the oldest goes first.

use std::collections::{BTreeMap, HashSet, VecDeque};

const KEPT: usize = 10_000;

/// A value that a step's answer gave.
#[derive(Clone, Debug)]
pub(crate) struct HandedOut {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) caller: Caller,
}

/// What is known of the request to which something was handed out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    /// The values that the client made for it: they stay the same within an attempt.
    pub(crate) made: BTreeMap<String, String>,
    /// Whether each optional parameter that it can have was there: the caller is the same.
    pub(crate) given: BTreeMap<String, bool>,
}

#[derive(Debug, Default)]
pub(crate) struct Memory {
    urls: BTreeMap<String, String>,
    handed_out: VecDeque<HandedOut>,
    refresh_tokens: VecDeque<HandedOut>,
    seen: HashSet<String>,
    seen_in_order: VecDeque<String>,
}

impl Memory {
    pub(crate) fn hand_out(&mut self, value: HandedOut) {
        push(&mut self.handed_out, value);
    }

    /// A URL that a step gives: always the one that was made first.
    pub(crate) fn url(&mut self, name: &str, make: impl FnOnce() -> String) -> String {
        self.urls.entry(name.to_owned()).or_insert_with(make).clone()
    }

    pub(crate) fn known_url(&self, name: &str) -> Option<String> {
        self.urls.get(name).cloned()
    }

    /// The values of a step that were not used up, the newest first.
    pub(crate) fn handed_out(&self, name: &str) -> impl Iterator<Item = &HandedOut> {
        self.handed_out.iter().rev().filter(move |known| known.name == name)
    }

    /// One attempt has brought its token: its values are not good for another.
    pub(crate) fn use_up(&mut self, used: &[HandedOut]) {
        self.handed_out.retain(|known| !used.iter().any(|used| used.value == known.value));
    }

    pub(crate) fn add_refresh_token(&mut self, token: HandedOut) {
        push(&mut self.refresh_tokens, token);
    }

    /// The newest first.
    pub(crate) fn refresh_tokens(&self) -> impl Iterator<Item = &HandedOut> {
        self.refresh_tokens.iter().rev()
    }

    pub(crate) fn forget_refresh_token(&mut self, token: &str) {
        self.refresh_tokens.retain(|known| known.value != token);
    }

    /// Whether a UUID or `jti` came before.
    pub(crate) fn has_seen(&self, id: &str) -> bool {
        self.seen.contains(id)
    }

    pub(crate) fn see(&mut self, id: String) {
        if self.seen.insert(id.clone())
            && let Some(oldest) = push(&mut self.seen_in_order, id)
        {
            self.seen.remove(&oldest);
        }
    }
}

/// Appends an item, and returns the oldest where there are too many.
fn push<T>(items: &mut VecDeque<T>, item: T) -> Option<T> {
    items.push_back(item);
    if items.len() > KEPT { items.pop_front() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded() {
        let mut memory = Memory::default();
        for n in 0..KEPT + 3 {
            memory.see(n.to_string());
            let (name, caller) = ("refresh_token".to_owned(), Caller::default());
            memory.add_refresh_token(HandedOut { name, value: n.to_string(), caller });
        }
        assert_eq!((memory.seen.len(), memory.seen_in_order.len()), (KEPT, KEPT));
        assert!(!memory.has_seen("2") && memory.has_seen("3"));
        assert_eq!(memory.refresh_tokens().count(), KEPT);
    }
}
