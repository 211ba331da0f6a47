//! `caretoken_report`: what lies between this machine and the vendor.

use std::ptr;

use super::boundary::{Out, call, guard, required};
use super::cancellation::Uncancelled;
use super::client::{caretoken_client, pin};
use super::error::caretoken_error;
use super::status::caretoken_status;
use super::strings::{Texts, caretoken_str};
use crate::client::Client;
use crate::doctor::DoctorReport;

/// What caretoken_client_doctor found on the way to the vendor.
///
/// It holds addresses and names of hosts and certificates, statuses and times, never a credential, a
/// token or a part of an answer's body. Free it with caretoken_report_free. It never changes, so any
/// thread may read it, and it needs nothing that may be freed before it.
///
/// The functions that read it take NULL for a report that found nothing.
pub struct caretoken_report {
    is_healthy: bool,
    text: caretoken_str,
    /// What the view above is a view of.
    _texts: Texts,
}

impl caretoken_report {
    fn of(report: &DoctorReport) -> Self {
        let (texts, mut views) = Texts::of(&[&report.to_string()]);
        let text = views.next().unwrap_or(caretoken_str::EMPTY);
        caretoken_report { is_healthy: report.is_healthy(), text, _texts: texts }
    }
}

/// Walks the way to the vendor (resolve, connect, proxy, TLS, one request, clock) and reports what it
/// found at each step: what a network's people need when no token comes. Free the report with
/// caretoken_report_free.
///
/// It goes over a connection of its own, touches no token, and sends no credential of the vendor's: the
/// request is a GET of the token endpoint's address, and any answer proves that the way is open. A
/// proxy gets the login that is set for it, and a server that asks for it the client's certificate.
///
/// What the network does wrong stands in the report, and the status is CARETOKEN_OK, also when the time
/// is up or the call is cancelled. With any other status nothing was examined, and *report is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_doctor(
    client: *const caretoken_client,
    timeout_ms: i64,
    report: *mut *mut caretoken_report,
    error: *mut *mut caretoken_error,
) -> caretoken_status {
    let _uncancelled = Uncancelled::begin();
    // SAFETY: the caller gives NULL or a place for a pointer.
    let report = unsafe { Out::cleared(report, "report", ptr::null_mut()) };
    let body = || {
        let report = report.required()?;
        // SAFETY: the caller gives NULL or a client that is not freed before this call has begun.
        let timeout = unsafe { required(client, "client") }?.timeout(timeout_ms)?;
        // SAFETY: as above, and it is not NULL.
        let client = unsafe { pin(client) };
        let found = client.enter(|client: &Client| client.doctor_within(timeout))?;
        report.set(Box::into_raw(Box::new(caretoken_report::of(&found))));
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Reads from a report that may be NULL.
///
/// # Safety
/// `report` is NULL, or lives until this returns.
unsafe fn read<R>(
    report: *const caretoken_report,
    otherwise: R,
    read: impl FnOnce(&caretoken_report) -> R,
) -> R {
    let result = guard(|| {
        // SAFETY: as the caller promises.
        unsafe { report.as_ref() }.map(read)
    });
    result.flatten().unwrap_or(otherwise)
}

/// The report as a block of text, one line for each step: to be pasted into a ticket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_report_text(report: *const caretoken_report) -> caretoken_str {
    // SAFETY: the caller gives NULL or a report that lives.
    unsafe { read(report, caretoken_str::EMPTY, |report| report.text) }
}

/// Whether a request came through and was answered, by whatever HTTP status. false for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_report_is_healthy(report: *const caretoken_report) -> bool {
    // SAFETY: the caller gives NULL or a report that lives.
    unsafe { read(report, false, |report| report.is_healthy) }
}

/// Frees the report, and with it its text. Does nothing when report is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_report_free(report: *mut caretoken_report) {
    guard(|| {
        if !report.is_null() {
            // SAFETY: `caretoken_client_doctor` made it of a `Box`, and the caller gives it up.
            drop(unsafe { Box::from_raw(report) });
        }
    });
}
