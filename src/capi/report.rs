//! `caretoken_report`: what lies between this machine and the vendor.

use std::ptr;

use super::arguments::{Out, required};
use super::call::call;
use super::client::{caretoken_client, retain};
use super::error::caretoken_error;
use super::panic::catch;
use super::types::{Texts, caretoken_status, caretoken_str};
use crate::client::Client;
use crate::doctor::DoctorReport;

/// What caretoken_client_doctor found on the way to the vendor.
///
/// The library makes it and C reads its fields; nobody writes to it, copies it by value or makes one.
/// Later versions add fields at the end only. Free it with caretoken_report_free.
///
/// It holds addresses and names of hosts and certificates, statuses and times, never a credential, a
/// token or a part of an answer's body. It never changes, so any thread may read it, and it needs
/// nothing that may be freed before it.
#[repr(C)]
pub struct caretoken_report {
    /// The report as a block of text, one line for each step: to be pasted into a ticket.
    pub text: caretoken_str,
    /// Whether a request came through and was answered, by whatever HTTP status.
    pub is_healthy: bool,
}

/// A report as C sees it, and behind it what C does not see.
#[repr(C)]
struct CReport {
    report: caretoken_report,
    /// What the view above is a view of.
    _texts: Texts,
}

impl CReport {
    fn of(report: &DoctorReport) -> Self {
        let (texts, mut next) = Texts::of(&[&report.to_string()]);
        let report = caretoken_report { text: next(), is_healthy: report.is_healthy() };
        CReport { report, _texts: texts }
    }
}

/// Probes the way to the vendor (resolve, connect, proxy, TLS, one request, clock) and reports what it
/// found at each step: what a network's people need when no token comes. Free the report with
/// caretoken_report_free.
///
/// It goes over a connection of its own, touches no token, and sends no credential of the vendor's: the
/// request is a GET of the token endpoint's address, and any answer proves that the way is open. A
/// proxy gets the login that is set for it, and a server that asks for it the client's certificate.
///
/// What the network does wrong stands in the report, and the status is CARETOKEN_OK, also when the time
/// is up or the call is cancelled. With any other status nothing was probed, and *report is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_doctor(
    client: *const caretoken_client,
    timeout_ms: i64,
    report: *mut *const caretoken_report,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a place for a pointer.
    let report = unsafe { Out::cleared(report, "report", ptr::null()) };
    let body = || {
        let report = report.required()?;
        // SAFETY: the caller gives NULL or a client that is not freed before this call has begun.
        let timeout = unsafe { required(client, "client") }?.timeout(timeout_ms)?;
        // SAFETY: as above, and it is not NULL.
        let client = unsafe { retain(client) };
        let found = client.enter(|client: &Client| client.doctor_within(timeout))?;
        report.set(Box::into_raw(Box::new(CReport::of(&found))).cast_const().cast());
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Frees the report, and with it its text. Does nothing when report is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_report_free(report: *const caretoken_report) {
    catch(|| {
        if !report.is_null() {
            // SAFETY: `caretoken_client_doctor` made it of a `Box<CReport>`, and the caller gives it
            // up.
            drop(unsafe { Box::from_raw(report.cast::<CReport>().cast_mut()) });
        }
    });
}
