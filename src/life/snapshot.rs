//! A value that many threads read without a lock, and that is replaced as a whole.

use std::sync::Arc;

#[cfg(not(caretoken_loom))]
use arc_swap::ArcSwap;

#[cfg(caretoken_loom)]
use crate::life::sync::Mutex;

/// Holds one immutable value at a time. Readers never wait, and see all of a change or nothing.
pub(crate) struct Snapshot<T> {
    #[cfg(not(caretoken_loom))]
    current: ArcSwap<T>,
    /// The model checker cannot see into `arc_swap`; what is checked is the logic around it.
    #[cfg(caretoken_loom)]
    current: Mutex<Arc<T>>,
}

#[cfg(not(caretoken_loom))]
impl<T: Clone> Snapshot<T> {
    pub(crate) fn new(value: T) -> Self {
        Snapshot { current: ArcSwap::from_pointee(value) }
    }

    /// Lends the value for the duration of a call, without counting a reference.
    #[inline]
    pub(crate) fn with<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.current.load())
    }

    pub(crate) fn load(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Whether nothing has replaced that value.
    pub(crate) fn is(&self, value: &Arc<T>) -> bool {
        Arc::ptr_eq(&self.current.load(), value)
    }

    /// Replaces the value by a changed copy, unless `change` returns `None`. Under contention `change`
    /// runs again, on the newer value; the result is that of the copy that was put in place.
    pub(crate) fn update<R>(&self, mut change: impl FnMut(&mut T) -> Option<R>) -> Option<R> {
        let mut current = self.current.load_full();
        loop {
            let mut next = T::clone(&current);
            let result = change(&mut next)?;
            let before = self.current.compare_and_swap(&current, Arc::new(next));
            if Arc::ptr_eq(&before, &current) {
                return Some(result);
            }
            current = Arc::clone(&before);
        }
    }
}

#[cfg(caretoken_loom)]
impl<T: Clone> Snapshot<T> {
    pub(crate) fn new(value: T) -> Self {
        Snapshot { current: Mutex::new(Arc::new(value)) }
    }

    pub(crate) fn load(&self) -> Arc<T> {
        Arc::clone(&self.current.lock().unwrap())
    }

    pub(crate) fn update<R>(&self, mut change: impl FnMut(&mut T) -> Option<R>) -> Option<R> {
        let mut current = self.current.lock().unwrap();
        let mut next = T::clone(&current);
        let result = change(&mut next)?;
        *current = Arc::new(next);
        Some(result)
    }
}

#[cfg(all(test, not(caretoken_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_change_replaces_the_value_and_none_leaves_it() {
        let snapshot = Snapshot::new(1);
        let before = snapshot.load();
        assert_eq!(snapshot.update(|_| None::<()>), None);
        assert!(snapshot.is(&before));
        assert_eq!(snapshot.update(|value| Some(std::mem::replace(value, 2))), Some(1));
        assert!(!snapshot.is(&before));
        assert_eq!((*before, snapshot.with(|value| *value)), (1, 2));
    }

    #[test]
    fn no_change_is_lost_however_many_threads_make_them() {
        let snapshot = Snapshot::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        snapshot.update(|value| {
                            *value += 1;
                            Some(())
                        });
                    }
                });
            }
        });
        assert_eq!(*snapshot.load(), 2000);
    }
}
