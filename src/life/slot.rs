//! The current value, read by many threads without a lock.

use std::sync::Arc;

#[cfg(not(caretoken_loom))]
use arc_swap::ArcSwapOption;

#[cfg(caretoken_loom)]
use crate::life::sync::Mutex;

/// Holds at most one value. Readers never wait.
pub(crate) struct Slot<T> {
    #[cfg(not(caretoken_loom))]
    current: ArcSwapOption<T>,
    /// The model checker cannot see into `arc_swap`; what is checked is the logic around it.
    #[cfg(caretoken_loom)]
    current: Mutex<Option<Arc<T>>>,
}

#[cfg(not(caretoken_loom))]
impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Slot { current: ArcSwapOption::empty() }
    }

    /// Lends the value for the duration of a call, without counting a reference.
    #[inline]
    pub(crate) fn with<R>(&self, read: impl FnOnce(Option<&Arc<T>>) -> R) -> R {
        read(self.current.load().as_ref())
    }

    pub(crate) fn load(&self) -> Option<Arc<T>> {
        self.current.load_full()
    }

    pub(crate) fn store(&self, value: Arc<T>) {
        self.current.store(Some(value));
    }

    pub(crate) fn clear(&self) {
        self.current.store(None);
    }

    /// Empties the slot if it holds this very value. Of many callers, one gets `true`.
    pub(crate) fn remove(&self, value: &Arc<T>) -> bool {
        let before = self.current.compare_and_swap(value, None);
        before.as_ref().is_some_and(|before| Arc::ptr_eq(before, value))
    }
}

#[cfg(caretoken_loom)]
impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Slot { current: Mutex::new(None) }
    }

    pub(crate) fn load(&self) -> Option<Arc<T>> {
        self.current.lock().unwrap().clone()
    }

    pub(crate) fn store(&self, value: Arc<T>) {
        *self.current.lock().unwrap() = Some(value);
    }

    pub(crate) fn remove(&self, value: &Arc<T>) -> bool {
        let mut current = self.current.lock().unwrap();
        let is_it = current.as_ref().is_some_and(|current| Arc::ptr_eq(current, value));
        if is_it {
            *current = None;
        }
        is_it
    }
}

#[cfg(all(test, not(caretoken_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_removed_once_and_only_if_it_is_the_current_one() {
        let slot = Slot::new();
        let (first, second) = (Arc::new(1), Arc::new(1));
        slot.store(Arc::clone(&first));
        assert!(!slot.remove(&second));
        assert!(slot.remove(&first));
        assert!(!slot.remove(&first));
        assert!(slot.load().is_none());
    }
}
