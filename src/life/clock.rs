//! The two clocks that a token's life is measured with.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of time. Injected in tests; hosts seldom need their own.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since some fixed moment; never goes back. May stand still during suspend.
    fn monotonic_ms(&self) -> u64;

    /// Unix time in milliseconds. May step either way.
    fn wall_ms(&self) -> i64;

    /// Waits for `span`, or until `is_over` says so, which is asked every 20 ms at least.
    fn sleep(&self, span: Duration, is_over: &dyn Fn() -> bool) {
        const SLICE: Duration = Duration::from_millis(20);
        let end = Instant::now() + span;
        while !is_over() {
            match end.saturating_duration_since(Instant::now()) {
                Duration::ZERO => return,
                left => std::thread::sleep(left.min(SLICE)),
            }
        }
    }
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) monotonic_ms: u64,
    pub(crate) wall_ms: i64,
}

impl Moment {
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Moment { monotonic_ms: clock.monotonic_ms(), wall_ms: clock.wall_ms() }
    }

    pub(crate) fn plus(self, span: Duration) -> Self {
        let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Moment {
            monotonic_ms: self.monotonic_ms.saturating_add(span),
            wall_ms: self.wall_ms.saturating_add(i64::try_from(span).unwrap_or(i64::MAX)),
        }
    }

    /// The time from `earlier` to `self` by the clock that shows less of it; zero if either is past.
    pub(crate) fn since(self, earlier: Moment) -> Duration {
        let monotonic = self.monotonic_ms.saturating_sub(earlier.monotonic_ms);
        let wall = u64::try_from(self.wall_ms.saturating_sub(earlier.wall_ms)).unwrap_or(0);
        Duration::from_millis(monotonic.min(wall))
    }

    /// The earlier of both on each clock.
    pub(crate) fn min(self, other: Moment) -> Self {
        Moment {
            monotonic_ms: self.monotonic_ms.min(other.monotonic_ms),
            wall_ms: self.wall_ms.min(other.wall_ms),
        }
    }

    /// Whether either clock says that `self` has come by `now`.
    pub(crate) fn has_come(self, now: Moment) -> bool {
        now.monotonic_ms >= self.monotonic_ms || now.wall_ms >= self.wall_ms
    }
}

/// The system's clocks, read from their coarse variants where there are any: a token's life needs
/// no better than a few milliseconds, and a cached token should cost next to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// Milliseconds on one of the system's clocks.
#[cfg(target_os = "linux")]
#[inline]
fn coarse_ms(clock: nix::time::ClockId) -> Option<i64> {
    let time = nix::time::clock_gettime(clock).ok()?;
    Some(time.tv_sec() * 1000 + time.tv_nsec() / 1_000_000)
}

impl Clock for SystemClock {
    #[inline]
    fn monotonic_ms(&self) -> u64 {
        #[cfg(target_os = "linux")]
        if let Some(ms) = coarse_ms(nix::time::ClockId::CLOCK_MONOTONIC_COARSE) {
            return ms.unsigned_abs();
        }
        precise_monotonic_ms()
    }

    #[inline]
    fn wall_ms(&self) -> i64 {
        #[cfg(target_os = "linux")]
        if let Some(ms) = coarse_ms(nix::time::ClockId::CLOCK_REALTIME_COARSE) {
            return ms;
        }
        unix_ms(SystemTime::now())
    }
}

/// The instant when `timeout` will have passed, or one that nobody lives to see.
pub(crate) fn instant_after(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now + Duration::from_secs(365 * 24 * 60 * 60))
}

fn precise_monotonic_ms() -> u64 {
    use std::sync::OnceLock;
    static START: OnceLock<Instant> = OnceLock::new();
    milliseconds(START.get_or_init(Instant::now).elapsed())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Unix milliseconds of a system time; negative before 1970.
pub(crate) fn unix_ms(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

/// The system time of Unix milliseconds.
pub(crate) fn system_time(unix_ms: i64) -> SystemTime {
    let span = Duration::from_millis(unix_ms.unsigned_abs());
    let time = match unix_ms {
        ..0 => UNIX_EPOCH.checked_sub(span),
        0.. => UNIX_EPOCH.checked_add(span),
    };
    time.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_agrees_with_the_standard_library() {
        let wall = unix_ms(SystemTime::now());
        assert!((SystemClock.wall_ms() - wall).abs() < 1000);
        let first = SystemClock.monotonic_ms();
        assert!(SystemClock.monotonic_ms() >= first);
    }

    #[test]
    fn a_sleep_takes_its_time_and_ends_when_it_is_over() {
        let span = Duration::from_millis(40);
        let (start, first, precise) =
            (Instant::now(), SystemClock.monotonic_ms(), precise_monotonic_ms());
        SystemClock.sleep(span, &|| false);
        assert!(start.elapsed() >= span);
        // Coarse clocks tick every few milliseconds.
        assert!(SystemClock.monotonic_ms() >= first + 20);
        assert!(precise_monotonic_ms() >= precise + 40);
        SystemClock.sleep(Duration::from_secs(60), &|| true);
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn the_shorter_of_two_spans_counts() {
        let at = |monotonic_ms, wall_ms| Moment { monotonic_ms, wall_ms };
        let end = at(1_000, 0).plus(Duration::from_secs(60));
        assert_eq!(end.since(at(31_000, 30_000)), Duration::from_secs(30));
        // The wall clock stepped back: the monotonic clock counts.
        assert_eq!(end.since(at(31_000, -3_600_000)), Duration::from_secs(30));
        // Suspended: the monotonic clock stood still, the wall clock counts.
        assert_eq!(end.since(at(1_000, 50_000)), Duration::from_secs(10));
        assert_eq!(end.since(at(1_000, 3_600_000)), Duration::ZERO);
    }

    #[test]
    fn system_times_and_unix_milliseconds_are_each_others_inverse() {
        for ms in [-86_400_000, 0, 1_498_749_591_000] {
            assert_eq!(unix_ms(system_time(ms)), ms);
        }
    }
}
