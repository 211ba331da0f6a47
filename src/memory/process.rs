//! Which process this is: a forked child is another one than its parent.

use std::hash::{BuildHasher, RandomState};
use std::mem::ManuallyDrop;
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::race::OnceRef;
use ring::rand::{SystemRandom, generate};

/// A number that this process has and none of its ancestors had; never zero.
///
/// It is random, and kept in a page that the kernel empties in a forked child. A process id would not
/// do: parent and child may have the same one in two PID namespaces. Where there is no such page (before
/// Linux 4.14, on other systems) the number is the process id.
pub(crate) fn process_generation() -> u64 {
    let stored = GENERATION.get_or_init(find_page);
    if ptr::eq(stored, &NO_PAGE) {
        return process::id().into();
    }
    match stored.load(Ordering::Relaxed) {
        0 => renew(stored),
        generation => generation,
    }
}

/// Where the number is stored.
static GENERATION: OnceRef<'static, AtomicU64> = OnceRef::new();
/// Used instead of a page where the system has none that a forked child finds empty.
static NO_PAGE: AtomicU64 = AtomicU64::new(0);

/// Chooses a number for this process. If another thread has just done so, that one counts.
#[cold]
fn renew(stored: &AtomicU64) -> u64 {
    let fresh = random().max(1);
    stored
        .compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed)
        .map_or_else(|chosen| chosen, |_| fresh)
}

fn random() -> u64 {
    match generate::<[u8; 8]>(&SystemRandom::new()) {
        Ok(bytes) => u64::from_ne_bytes(bytes.expose()),
        // The system has no random numbers. A hasher's keys differ from those of the one before it.
        Err(_) => RandomState::new().hash_one(process::id()),
    }
}

/// A page for the number. Should two threads come here at once, the second one's page is never used.
#[cold]
fn find_page() -> &'static AtomicU64 {
    match emptied_by_fork() {
        // SAFETY: the page is all zero, begins at a multiple of its size, and is never freed.
        Some(page) => unsafe { &*ManuallyDrop::new(page).as_ptr() },
        None => &NO_PAGE,
    }
}

/// A page that is all zero, and so again in every child. `None` before Linux 4.14.
#[cfg(all(target_os = "linux", not(miri)))]
fn emptied_by_fork() -> Option<region::Allocation> {
    use nix::sys::mman::{MmapAdvise, madvise};
    let mut page = region::alloc(region::page::size(), region::Protection::READ_WRITE).ok()?;
    let start = ptr::NonNull::new(page.as_mut_ptr())?;
    // SAFETY: the page is ours, and this changes its content in children only.
    unsafe { madvise(start, page.len(), MmapAdvise::MADV_WIPEONFORK) }.ok()?;
    Some(page)
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn emptied_by_fork() -> Option<region::Allocation> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_the_same_until_its_page_is_emptied_and_is_another_one_then() {
        let generation = process_generation();
        assert_eq!(process_generation(), generation);
        assert_ne!(generation, 0);
        // A fork leaves the page empty; the process id is still the same here.
        let stored = AtomicU64::new(0);
        let (first, again) = (renew(&stored), renew(&stored));
        assert_eq!(first, again, "another thread of the child was first");
        stored.store(0, Ordering::Relaxed);
        assert_ne!(renew(&stored), first);
    }
}
