//! Which process this is: a forked child is another one than its parent.

use std::hash::{BuildHasher, RandomState};
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use ring::rand::{SystemRandom, generate};

/// A number that this process has and none of its ancestors had; never zero.
///
/// It is random, and kept in a page that the kernel empties in a forked child: a process id would do
/// neither where parent and child have the same one in two PID namespaces. Where there is no such page
/// (before Linux 4.14, on other systems) it is the process id.
pub(crate) fn process_generation() -> u64 {
    // SAFETY: it is NULL, or was leaked below and is never freed.
    match unsafe { KEPT.load(Ordering::Acquire).as_ref() } {
        None => {
            find_page();
            process_generation()
        }
        Some(kept) if ptr::eq(kept, &NOWHERE) => process::id().into(),
        Some(kept) => match kept.load(Ordering::Relaxed) {
            0 => renew(kept),
            generation => generation,
        },
    }
}

/// Where the number is kept: NULL at first.
static KEPT: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
/// Stands for a page where the system has none that a child finds empty.
static NOWHERE: AtomicU64 = AtomicU64::new(0);

/// Chooses a number for this process, unless another thread has just done so.
#[cold]
fn renew(kept: &AtomicU64) -> u64 {
    let fresh = random().max(1);
    kept.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed)
        .map_or_else(|chosen| chosen, |_| fresh)
}

fn random() -> u64 {
    match generate::<[u8; 8]>(&SystemRandom::new()) {
        Ok(bytes) => u64::from_ne_bytes(bytes.expose()),
        // A system without random numbers. No two hashers of a thread are alike, nor after a fork.
        Err(_) => RandomState::new().hash_one(process::id()),
    }
}

#[cold]
fn find_page() {
    let page = emptied_by_fork();
    let kept = page.as_ref().map_or(&raw const NOWHERE, region::Allocation::as_ptr).cast_mut();
    let nothing = ptr::null_mut();
    if KEPT.compare_exchange(nothing, kept, Ordering::AcqRel, Ordering::Acquire).is_ok() {
        std::mem::forget(page);
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
        // As a fork leaves the page: the process id is still the same.
        let kept = AtomicU64::new(0);
        let (first, again) = (renew(&kept), renew(&kept));
        assert_eq!(first, again, "another thread of the child was first");
        kept.store(0, Ordering::Relaxed);
        assert_ne!(renew(&kept), first);
    }
}
